#include "head_cut.hpp"

#include <algorithm>

#include "head_kernels.hpp"

namespace rest {
namespace {

template <class Real>
class Cut {
 public:
  using Tokens = std::vector<RankedToken<Real>>;

  Cut(const SamplingOptions& options, const double* factor, double total)
      : options_(options), factor_(factor), total_(total) {}

  void operator()(Tokens& tokens) {
    if (options_.top_k > 0 && static_cast<std::size_t>(options_.top_k) < tokens.size()) {
      Tokens best = tokens;
      const auto last = best.begin() + options_.top_k - 1;
      std::nth_element(best.begin(), last, best.end(), RanksBefore());
      drop_behind(*last, tokens);
    }
    if (options_.top_k > 0) total_ = sum(tokens);
    if (options_.top_p < 1.0) {
      drop_behind(last_until(options_.top_p * total_, tokens), tokens);
      total_ = sum(tokens);
    }
    if (options_.epsilon > 0.0) drop_unlikely(options_.epsilon * total_, tokens);
  }

 private:
  double weight(const RankedToken<Real>& token) const {
    return factor_[token.token / head_block] * static_cast<double>(token.weight);
  }
  double sum(const Tokens& tokens) const {
    double sum = 0.0;
    for (const auto& token : tokens) sum += weight(token);
    return sum;
  }
  template <class Predicate>
  static void drop_if(Predicate predicate, Tokens& tokens) {
    tokens.erase(std::remove_if(tokens.begin(), tokens.end(), predicate), tokens.end());
  }
  static void drop_behind(const RankedToken<Real>& last, Tokens& tokens) {
    drop_if([&](const auto& token) { return RanksBefore()(last, token); }, tokens);
  }

  /// The last of the smallest set of best tokens, at least one, that weighs `goal`. Only those with about its logit
  /// are put in order.
  RankedToken<Real> last_until(double goal, const Tokens& tokens) const {
    const Bins bins(tokens);
    double weights[Bins::count] = {};
    for (const auto& token : tokens) weights[bins.of(token)] += weight(token);
    double before = 0.0;
    std::size_t bin = 0;
    while (bin < bins.last() && before + weights[bin] < goal) before += weights[bin++];
    Tokens near;
    for (const auto& token : tokens) {
      if (bins.of(token) == bin) near.push_back(token);
    }
    std::sort(near.begin(), near.end(), RanksBefore());
    auto last = near.begin();
    while ((before += weight(*last)) < goal && last + 1 != near.end()) ++last;
    return *last;
  }

  /// Equal ranges of logits, the largest first.
  class Bins {
   public:
    static constexpr std::size_t count = 256;
    explicit Bins(const Tokens& tokens) {
      const auto [best, worst] = std::minmax_element(tokens.begin(), tokens.end(), RanksBefore());
      top_ = best->logit;
      per_logit_ = best->logit > worst->logit ? static_cast<Real>(count) / (best->logit - worst->logit) : 0;
      last_ = of(*worst);
    }
    std::size_t last() const { return last_; }
    std::size_t of(const RankedToken<Real>& token) const {
      const Real place = (top_ - token.logit) * per_logit_;
      return place < static_cast<Real>(count - 1) ? static_cast<std::size_t>(place) : count - 1;
    }

   private:
    Real top_, per_logit_;
    std::size_t last_;  // that holds any
  };

  void drop_unlikely(double least, Tokens& tokens) const {
    const std::int32_t best = std::min_element(tokens.begin(), tokens.end(), RanksBefore())->token;
    drop_if([&](const auto& token) { return weight(token) < least && token.token != best; }, tokens);
  }

  const SamplingOptions& options_;
  const double* factor_;
  double total_;  // weight of the tokens that are left
};

}  // namespace

bool cuts(const SamplingOptions& options, std::int64_t vocabulary_size) {
  if (options.temperature == 0.0) return false;
  return (options.top_k > 0 && options.top_k < vocabulary_size) || options.top_p < 1.0 || options.epsilon > 0.0;
}

template <class Real>
void cut_tokens(const SamplingOptions& options, const double* factor, double total,
                std::vector<RankedToken<Real>>& tokens) {
  Cut<Real>(options, factor, total)(tokens);
}

template void cut_tokens(const SamplingOptions&, const double*, double, std::vector<RankedToken<float>>&);
template void cut_tokens(const SamplingOptions&, const double*, double, std::vector<RankedToken<double>>&);

}  // namespace rest
