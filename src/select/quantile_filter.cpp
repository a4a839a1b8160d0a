#include "rest/core/error.hpp"
#include "rest/select/filter.hpp"
#include "rest/select/streaming_quantile.hpp"

namespace rest {

void QuantileFilter::look_first(std::size_t workers, const std::function<void(const Look&)>& each_part) {
  StreamingQuantile quantile(q_);
  const auto pass = [&] {
    std::vector<StreamingQuantile> parts(workers, quantile);
    each_part([&](const ScoredCandidates& candidates, std::size_t worker) {
      parts[worker].add(candidates.reward, candidates.count);
    });
    for (const StreamingQuantile& part : parts) quantile.merge(part);
  };
  pass();
  quantile.look_closer();
  pass();
  cut_ = quantile.value().value_or(0.0f);
}

void QuantileFilter::mark(const ScoredCandidates& candidates, std::vector<std::uint8_t>& kept) const {
  if (!cut_) throw Error("a quantile filter was asked before it had seen D_g");
  const float cut = *cut_;
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = candidates.reward[i] >= cut;
}

std::string QuantileFilter::words() const { return concat("above quantile ", q_, " of D_g"); }

}  // namespace rest
