#include "rest/select/filter.hpp"

#include <numeric>

#include "rest/core/error.hpp"
#include "rest/core/filter_rules.hpp"

namespace rest {
namespace {

void require_columns(const ScoredCandidates& candidates) {
  const auto& per_source = candidates.candidates_per_source;
  const std::size_t size = candidates.count.size();
  const auto rows = std::accumulate(per_source.begin(), per_source.end(), std::uint64_t{0});
  if (rows != size || candidates.origin.size() != size) {
    throw Error(concat("columns of ", rows, ", ", size, " and ", candidates.origin.size(), " candidates"));
  }
  if (candidates.reward.size() != size) {
    throw Error(concat(candidates.reward.size(), " rewards for ", size, " candidates"));
  }
  bool nan = false;
  for (const float reward : candidates.reward) nan |= reward != reward;
  if (nan) throw Error("a reward of a shard is no number");
}

}  // namespace

std::vector<std::uint8_t> Filter::keep(const ScoredCandidates& candidates) const {
  require_columns(candidates);
  std::vector<std::uint8_t> kept(candidates.count.size());
  mark(candidates, kept);
  const std::uint32_t* count = candidates.count.data();
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = count[i] == 0 ? 0 : kept[i];
  return kept;
}

void Filter::look_first(std::size_t, const std::function<void(const Look&)>&) {}

std::unique_ptr<Filter> make_filter(const std::string& name, double threshold) {
  require_thresholds(name, {threshold});
  if (name == "percentile") return std::make_unique<PercentileFilter>(threshold);
  if (name == "interpolation") return std::make_unique<InterpolationFilter>(threshold);
  if (name == "quantile") return std::make_unique<QuantileFilter>(threshold);
  if (name == "top_k") return std::make_unique<TopKFilter>(static_cast<std::uint64_t>(threshold));
  return std::make_unique<ThresholdFilter>(threshold);
}

}  // namespace rest
