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
    if (options_.top_k > 0 || options_.top_p < 1.0) keep_best(tokens);
    if (options_.epsilon > 0.0) keep_likely(options_.epsilon * total_, tokens);
  }

 private:
  double sum(typename Tokens::const_iterator first, typename Tokens::const_iterator last) const {
    double sum = 0.0;
    for (; first != last; ++first) sum += weight(*first);
    return sum;
  }
  double weight(const RankedToken<Real>& token) const {
    return factor_[token.token / head_block] * static_cast<double>(token.weight);
  }

  void keep_best(Tokens& tokens) {
    Tokens best = tokens;
    if (options_.top_k > 0) {
      if (static_cast<std::size_t>(options_.top_k) < best.size()) {
        std::nth_element(best.begin(), best.begin() + options_.top_k, best.end(), ranks_before<Real>);
        best.resize(static_cast<std::size_t>(options_.top_k));
      }
      total_ = sum(best.begin(), best.end());
    }
    if (options_.top_p < 1.0) {
      keep_until(options_.top_p * total_, best);
      total_ = sum(best.begin(), best.end());
    }
    const RankedToken<Real> last = *std::max_element(best.begin(), best.end(), ranks_before<Real>);
    tokens.erase(std::remove_if(tokens.begin(), tokens.end(), [&](const auto& t) { return ranks_before(last, t); }),
                 tokens.end());
  }

  /// Leaves the smallest set of best tokens, at least one, that weighs `goal`.
  void keep_until(double goal, Tokens& tokens) const {
    constexpr std::ptrdiff_t few = 64;  // to be put in order
    auto first = tokens.begin(), last = tokens.end();
    double before = 0.0;  // weight of what ranks before `first`
    while (last - first > few) {
      const auto middle = first + (last - first) / 2;
      std::nth_element(first, middle, last, ranks_before<Real>);
      const double half = sum(first, middle);
      if (before + half < goal) {
        before += half;
        first = middle;
      } else {
        last = middle;
      }
    }
    std::sort(first, last, ranks_before<Real>);
    while (first != last && (first == tokens.begin() || before < goal)) before += weight(*first++);
    tokens.erase(first, tokens.end());
  }

  void keep_likely(double least, Tokens& tokens) const {
    const RankedToken<Real> best = *std::min_element(tokens.begin(), tokens.end(), ranks_before<Real>);
    tokens.erase(std::remove_if(tokens.begin(), tokens.end(),
                                [&](const auto& t) { return weight(t) < least && t.token != best.token; }),
                 tokens.end());
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
