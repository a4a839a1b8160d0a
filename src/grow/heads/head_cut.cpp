#include "head_cut.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

#include "head_kernels.hpp"

namespace rest {
namespace {

/// Tokens in order of their logits, best first, ties to the lower token; put in order only as far as asked for.
template <class Real>
class RankedTokens {
 public:
  RankedTokens(const Real* logits, std::int64_t size) : logits_(logits), tokens_(static_cast<std::size_t>(size)) {
    std::iota(tokens_.begin(), tokens_.end(), 0);
  }
  std::int32_t operator[](std::size_t rank) {
    while (rank >= ranked_) rank_more(std::max<std::size_t>(64, 2 * ranked_));
    return tokens_[rank];
  }
  /// Leaves the best `count`.
  void keep(std::size_t count) {
    if (count >= tokens_.size()) return;
    std::nth_element(tokens_.begin(), tokens_.begin() + static_cast<std::ptrdiff_t>(count), tokens_.end(), better());
    tokens_.resize(count);
  }
  const std::vector<std::int32_t>& kept() const { return tokens_; }
  std::size_t size() const { return tokens_.size(); }

 private:
  auto better() const {
    return [this](std::int32_t a, std::int32_t b) {
      return logits_[a] > logits_[b] || (logits_[a] == logits_[b] && a < b);
    };
  }
  void rank_more(std::size_t count) {
    const auto first = tokens_.begin() + static_cast<std::ptrdiff_t>(ranked_);
    ranked_ = std::min(count, tokens_.size());
    std::partial_sort(first, tokens_.begin() + static_cast<std::ptrdiff_t>(ranked_), tokens_.end(), better());
  }

  const Real* logits_;
  std::vector<std::int32_t> tokens_;
  std::size_t ranked_ = 0;
};

template <class Real>
void cut(const SamplingOptions& options, const Real* logits, std::int64_t vocabulary_size, const double* factor,
         Real* weights) {
  RankedTokens<Real> ranked(logits, vocabulary_size);
  const auto weight = [&](std::int32_t token) {
    return factor[token / head_block] * static_cast<double>(weights[token]);
  };
  const auto total = [&] {
    double sum = 0.0;
    for (const std::int32_t token : ranked.kept()) sum += weight(token);
    return sum;
  };
  if (options.top_k > 0) ranked.keep(static_cast<std::size_t>(options.top_k));
  if (options.top_p < 1.0) {  // the smallest set of best tokens that reaches top_p
    const double goal = options.top_p * total();
    std::size_t count = 0;
    for (double sum = 0.0; count < ranked.size() && (count == 0 || sum < goal); ++count) sum += weight(ranked[count]);
    ranked.keep(count);
  }
  std::vector<Real> kept(static_cast<std::size_t>(vocabulary_size), Real{0});
  const double least = options.epsilon * total();
  for (const std::int32_t token : ranked.kept()) {
    if (weight(token) >= least) kept[static_cast<std::size_t>(token)] = weights[token];
  }
  const std::int32_t best = static_cast<std::int32_t>(std::max_element(logits, logits + vocabulary_size) - logits);
  kept[static_cast<std::size_t>(best)] = weights[best];
  std::copy(kept.begin(), kept.end(), weights);
}

}  // namespace

bool cuts(const SamplingOptions& options, std::int64_t vocabulary_size) {
  return (options.top_k > 0 && options.top_k < vocabulary_size) || options.top_p < 1.0 || options.epsilon > 0.0;
}

void cut_tokens(const SamplingOptions& options, const float* logits, std::int64_t vocabulary_size, const double* factor,
                float* weights) {
  cut(options, logits, vocabulary_size, factor, weights);
}

void cut_tokens(const SamplingOptions& options, const double* logits, std::int64_t vocabulary_size,
                const double* factor, double* weights) {
  cut(options, logits, vocabulary_size, factor, weights);
}

}  // namespace rest
