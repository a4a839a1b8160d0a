#include "kept_tokens.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rest {

template <class Real>
KeptTokens<Real>::KeptTokens(const SamplingOptions& options, std::int64_t vocabulary_size)
    : options_(options),
      vocabulary_size_(vocabulary_size),
      factor_(static_cast<std::size_t>(head_blocks(vocabulary_size))),
      cumulative_(factor_.size()) {
  if (options.top_k >= vocabulary_size) options_.top_k = 0;
}

template <class Real>
void KeptTokens<Real>::enter(const BlockSums<Real>* sums) {
  sums_ = sums;
  const auto blocks = static_cast<std::int64_t>(factor_.size());
  row_sums_ = sum_row(sums, blocks, options_, factor_.data(), cumulative_.data());
}

template <class Real>
bool KeptTokens<Real>::cut_leading(std::vector<RankedToken<Real>>& tokens) {
  const Real inverse = inverse_temperature<Real>(options_);
  for (auto& [logit, token, weight] : tokens) weight = weight_in_block(logit, sums_[token / head_block].max, inverse);
  if (!enough(tokens)) return false;
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.token < b.token; });
  cut(tokens);
  return true;
}

/// Whether what the first cut keeps is among the best tokens.
template <class Real>
bool KeptTokens<Real>::enough(const std::vector<RankedToken<Real>>& leading) const {
  if (static_cast<std::int64_t>(leading.size()) == vocabulary_size_) return true;
  if (options_.top_k > 0) return static_cast<std::int64_t>(leading.size()) >= options_.top_k;
  double sum = 0.0, smallest = std::numeric_limits<double>::infinity();
  for (const auto& [logit, token, weight] : leading) {
    const double own = factor(token / head_block) * static_cast<double>(weight);
    sum += own;
    smallest = std::min(smallest, own);
  }
  return options_.top_p < 1.0 ? sum >= options_.top_p * cumulative_.back() : smallest < least();
}

template <class Real>
double KeptTokens<Real>::least() const {
  if (options_.top_k > 0) return 0.0;
  if (!(options_.top_p < 1.0)) return options_.epsilon * cumulative_.back();
  // All tokens that weigh less than this weigh less together than what top-p leaves out.
  return (1.0 - options_.top_p) * cumulative_.back() / static_cast<double>(vocabulary_size_);
}

template <class Real>
void KeptTokens<Real>::cut(std::vector<RankedToken<Real>>& tokens) {
  kept_.swap(tokens);
  cut_tokens(options_, factor_.data(), cumulative_.back(), kept_);
  sum_blocks_of_kept();
}

template <class Real>
void KeptTokens<Real>::sum_blocks_of_kept() {
  block_begin_.clear();
  kept_factor_.clear();
  kept_cumulative_.clear();
  double sum = 0.0;
  for (std::size_t i = 0; i < kept_.size();) {
    const std::int32_t block = kept_[i].token / head_block;
    Real weights[head_block] = {};
    block_begin_.push_back(i);
    for (; i < kept_.size() && kept_[i].token / head_block == block; ++i) {
      weights[kept_[i].token % head_block] = kept_[i].weight;
    }
    kept_factor_.push_back(factor(block));
    kept_cumulative_.push_back(sum += factor(block) * static_cast<double>(block_sum(weights)));
  }
  block_begin_.push_back(kept_.size());
}

template <class Real>
DrawnToken KeptTokens<Real>::draw(double uniform) const {
  const auto blocks = static_cast<std::int64_t>(kept_factor_.size());
  const auto [block, left] = draw_block(uniform, kept_factor_.data(), kept_cumulative_.data(), blocks);
  const auto* const begin = kept_.data() + block_begin_[static_cast<std::size_t>(block)];
  const auto* const end = kept_.data() + block_begin_[static_cast<std::size_t>(block) + 1];
  double running = 0.0;
  for (auto token = begin; token != end; ++token) {
    running += static_cast<double>(token->weight);
    if (running > left) return describe(*token);
  }
  const auto* last = end - 1;  // rounding: the last with weight
  while (last != begin && last->weight == 0) --last;
  return describe(*last);
}

template <class Real>
const RankedToken<Real>* KeptTokens<Real>::find(std::int64_t token) const {
  const auto found =
      std::lower_bound(kept_.begin(), kept_.end(), token,
                       [](const RankedToken<Real>& kept, std::int64_t sought) { return kept.token < sought; });
  return found != kept_.end() && found->token == token && found->weight > 0 ? &*found : nullptr;
}

template <class Real>
DrawnToken KeptTokens<Real>::describe(const RankedToken<Real>& kept) const {
  const auto logit = static_cast<double>(kept.logit);
  return {kept.token, logit - row_sums_.log_normaliser,
          (logit - row_sums_.max) / options_.temperature - std::log(kept_cumulative_.back())};
}

template <class Real>
DrawnToken KeptTokens<Real>::describe_cut(std::int64_t token, Real logit) const {
  return {token, static_cast<double>(logit) - row_sums_.log_normaliser, -std::numeric_limits<double>::infinity()};
}

template class KeptTokens<float>;
template class KeptTokens<double>;

}  // namespace rest
