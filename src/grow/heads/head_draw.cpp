#include "head_draw.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "rest/core/error.hpp"

namespace rest {

template <class Real>
RowSums sum_row(const BlockSums<Real>* sums, std::int64_t blocks, const SamplingOptions& options, double* factor,
                double* cumulative) {
  Real max = sums[0].max;
  for (std::int64_t b = 1; b < blocks; ++b) max = std::max(max, sums[b].max);
  std::vector<Real> factors(static_cast<std::size_t>(2 * blocks));
  block_factors(sums, blocks, max, inverse_temperature<Real>(options), factors.data());
  double sum = 0.0, sum_at_1 = 0.0;
  for (std::int64_t b = 0; b < blocks; ++b) {
    sum_at_1 += static_cast<double>(factors[static_cast<std::size_t>(b)]) * static_cast<double>(sums[b].sum_at_1);
    if (options.temperature == 0.0) continue;
    factor[b] = static_cast<double>(factors[static_cast<std::size_t>(blocks + b)]);
    cumulative[b] = sum += factor[b] * static_cast<double>(sums[b].sum);
  }
  if (!std::isfinite(max) || !std::isfinite(sum_at_1)) {
    throw Error("the policy's logits are not finite", "its weights hold NaN or infinity");
  }
  return {static_cast<double>(max), static_cast<double>(max) + std::log(sum_at_1)};
}

BlockDraw draw_block(double uniform, const double* factor, const double* cumulative, std::int64_t blocks) {
  const double target = uniform * cumulative[blocks - 1];
  std::int64_t block = std::upper_bound(cumulative, cumulative + blocks, target) - cumulative;
  if (block == blocks) {  // rounding: the last block with weight
    block = std::lower_bound(cumulative, cumulative + blocks, cumulative[blocks - 1]) - cumulative;
  }
  const double before = block == 0 ? 0.0 : cumulative[block - 1];
  return {block, (target - before) / factor[block]};
}

template <class Real>
std::int64_t draw_token(const Real* weights, double left) {
  double running = 0.0;
  for (std::int64_t v = 0; v < head_block; ++v) {
    running += static_cast<double>(weights[v]);
    if (running > left) return v;
  }
  std::int64_t last = head_block - 1;
  while (last > 0 && weights[last] == 0) --last;
  return last;
}

template <class Real>
RowDrawer<Real>::RowDrawer(const SamplingOptions& options, std::int64_t blocks)
    : options_(options),
      blocks_(blocks),
      factor_(static_cast<std::size_t>(blocks)),
      cumulative_(static_cast<std::size_t>(blocks)) {}

template <class Real>
void RowDrawer<Real>::enter(const BlockSums<Real>* sums) {
  sums_ = sums;
  row_sums_ = sum_row(sums, blocks_, options_, factor_.data(), cumulative_.data());
}

template <class Real>
BlockDraw RowDrawer<Real>::place(double uniform, std::int64_t token) const {
  if (token >= 0) return {token / head_block, 0.0};
  if (!greedy()) return draw_block(uniform, factor_.data(), cumulative_.data(), blocks_);
  const auto less = [](const BlockSums<Real>& a, const BlockSums<Real>& b) { return a.max < b.max; };
  return {std::max_element(sums_, sums_ + blocks_, less) - sums_, 0.0};
}

template <class Real>
void RowDrawer<Real>::weigh(std::int64_t valid) {
  valid_ = valid;
  BlockSums<Real> again;
  sum_blocks(logits_, valid, inverse_temperature<Real>(options_), &again, weights_);
}

template <class Real>
DrawnToken RowDrawer<Real>::draw(const BlockDraw& place, std::int64_t token) const {
  const std::int64_t first = place.block * head_block;
  const std::int64_t likeliest = greedy() ? std::max_element(logits_, logits_ + valid_) - logits_ : 0;
  std::int64_t within = token - first;
  if (token < 0) within = greedy() ? likeliest : draw_token(weights_, place.left);
  const auto logit = static_cast<double>(logits_[within]);
  DrawnToken drawn{first + within, logit - row_sums_.log_normaliser, 0.0};
  if (!greedy()) {
    drawn.sampling_log_prob = (logit - row_sums_.max) / options_.temperature - std::log(cumulative_.back());
  } else if (within != likeliest || logit < row_sums_.max - 1e-5 * std::abs(row_sums_.max)) {
    // The logit computed again may differ from the largest in its last bits.
    drawn.sampling_log_prob = -std::numeric_limits<double>::infinity();
  }
  return drawn;
}

template class RowDrawer<float>;
template class RowDrawer<double>;
template RowSums sum_row(const BlockSums<float>*, std::int64_t, const SamplingOptions&, double*, double*);
template RowSums sum_row(const BlockSums<double>*, std::int64_t, const SamplingOptions&, double*, double*);
template std::int64_t draw_token(const float*, double);
template std::int64_t draw_token(const double*, double);

}  // namespace rest
