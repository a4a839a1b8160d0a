#include "kept_tokens.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace rest {
namespace {

constexpr double impossible = -std::numeric_limits<double>::infinity();
constexpr std::int64_t unseen = -1;

}  // namespace

template <class Real>
KeptTokens<Real>::KeptTokens(const SamplingOptions& options, std::int64_t vocabulary_size)
    : options_(options),
      vocabulary_size_(vocabulary_size),
      blocks_(head_blocks(vocabulary_size)),
      factor_(static_cast<std::size_t>(blocks_)),
      cumulative_(static_cast<std::size_t>(blocks_)) {
  if (options.top_k >= vocabulary_size) options_.top_k = 0;
}

template <class Real>
void KeptTokens<Real>::enter(const BlockSums<Real>* sums) {
  sums_ = sums;
  row_sums_ = sum_row(sums, blocks_, options_, factor_.data(), cumulative_.data());
  unseen_.resize(static_cast<std::size_t>(blocks_));
  std::iota(unseen_.begin(), unseen_.end(), 0);
  std::make_heap(unseen_.begin(), unseen_.end(), Later{sums});
  seen_.clear();
  place_.assign(static_cast<std::size_t>(blocks_), unseen);
}

template <class Real>
const std::vector<std::int64_t>& KeptTokens<Real>::next_blocks() {
  next_.clear();
  if (enough()) return next_;
  std::size_t count = std::min(std::max<std::size_t>(seen_.size(), 1), unseen_.size());
  // As many tokens as blocks rank before all of the next block: never are more than top_k blocks of use.
  const auto most = static_cast<std::size_t>(options_.top_k);
  if (seen_.size() < most) count = std::min(count, most - seen_.size());
  for (; count > 0; --count) {
    next_.push_back(unseen_.front());
    std::pop_heap(unseen_.begin(), unseen_.end(), Later{sums_});
    unseen_.pop_back();
  }
  return next_;
}

/// Whether all tokens that are kept are among those seen above the largest logit of what was not.
template <class Real>
bool KeptTokens<Real>::enough() const {
  if (unseen_.empty()) return true;
  const Real bound = largest_unseen();
  std::int64_t count = 0;
  double weight = 0.0;
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const auto above = sum_above(logits_.data() + i * head_block, weights_.data() + i * head_block, bound);
    count += above.count;
    weight += factor_[static_cast<std::size_t>(seen_[i])] * static_cast<double>(above.weight);
  }
  if (count == 0) return false;
  const double total = cumulative_.back();
  if (options_.top_k > 0) return count >= options_.top_k;
  if (options_.top_p < 1.0) return weight >= options_.top_p * total;
  return factor_[static_cast<std::size_t>(unseen_.front())] < options_.epsilon * total;
}

template <class Real>
Real KeptTokens<Real>::largest_unseen() const {
  return unseen_.empty() ? -std::numeric_limits<Real>::infinity() : sums_[unseen_.front()].max;
}

template <class Real>
void KeptTokens<Real>::see(std::int64_t block, const Real* logits) {
  const std::size_t place = seen_.size(), first = place * head_block;
  const std::int64_t valid = std::min(head_block, vocabulary_size_ - block * head_block);
  place_[static_cast<std::size_t>(block)] = static_cast<std::int64_t>(place);
  seen_.push_back(block);
  if (logits_.size() < first + head_block) {
    logits_.resize(first + head_block);
    weights_.resize(first + head_block);
  }
  Real* const own = logits_.data() + first;
  std::fill(std::copy_n(logits, valid, own), own + head_block, -std::numeric_limits<Real>::infinity());
  BlockSums<Real> again;
  sum_blocks(own, valid, inverse_temperature<Real>(options_), &again, weights_.data() + first);
}

template <class Real>
void KeptTokens<Real>::cut() {
  tokens_.clear();
  const Real bound = largest_unseen();
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const Real* const logits = logits_.data() + i * head_block;
    const Real* const weights = weights_.data() + i * head_block;
    const double factor = factor_[static_cast<std::size_t>(seen_[i])];
    const auto token = static_cast<std::int32_t>(seen_[i] * head_block);
    for (std::int32_t v = 0; v < head_block; ++v) {
      if (logits[v] > bound) tokens_.push_back({logits[v], token + v, factor * static_cast<double>(weights[v])});
    }
  }
  cut_tokens(options_, cumulative_.back(), tokens_);
  kept_weights_.assign(seen_.size() * head_block, 0);
  for (const auto& [logit, token, weight] : tokens_) {
    const std::size_t at = place(token / head_block) * head_block + static_cast<std::size_t>(token % head_block);
    kept_weights_[at] = weights_[at];
  }
  sum_kept();
}

template <class Real>
void KeptTokens<Real>::sum_kept() {
  kept_.clear();
  kept_factor_.clear();
  kept_cumulative_.clear();
  double sum = 0.0;
  for (std::int64_t block = 0; block < blocks_; ++block) {
    if (place_[static_cast<std::size_t>(block)] == unseen) continue;
    kept_.push_back(block);
    kept_factor_.push_back(factor_[static_cast<std::size_t>(block)]);
    sum += kept_factor_.back() * static_cast<double>(block_sum(kept_weights_.data() + place(block) * head_block));
    kept_cumulative_.push_back(sum);
  }
}

template <class Real>
std::int64_t KeptTokens<Real>::draw(double uniform) const {
  const auto drawn = draw_block(uniform, kept_factor_.data(), kept_cumulative_.data(), std::int64_t(kept_.size()));
  const std::int64_t block = kept_[static_cast<std::size_t>(drawn.block)];
  return block * head_block + draw_token(kept_weights_.data() + place(block) * head_block, drawn.left);
}

template <class Real>
const Real* KeptTokens<Real>::logits(std::int64_t block) const {
  return place_[static_cast<std::size_t>(block)] == unseen ? nullptr : logits_.data() + place(block) * head_block;
}

template <class Real>
DrawnToken KeptTokens<Real>::describe(std::int64_t token, const Real* logits) const {
  const std::int64_t block = token / head_block, within = token % head_block;
  const auto logit = static_cast<double>(logits[within]);
  const bool kept = place_[static_cast<std::size_t>(block)] != unseen &&
                    kept_weights_[place(block) * head_block + static_cast<std::size_t>(within)] > 0;
  const double sampling_log_prob =
      kept ? (logit - row_sums_.max) / options_.temperature - std::log(kept_cumulative_.back()) : impossible;
  return {token, logit - row_sums_.log_normaliser, sampling_log_prob};
}

template class KeptTokens<float>;
template class KeptTokens<double>;

}  // namespace rest
