#include "head_draw.hpp"

#include <algorithm>
#include <cmath>
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

template RowSums sum_row(const BlockSums<float>*, std::int64_t, const SamplingOptions&, double*, double*);
template RowSums sum_row(const BlockSums<double>*, std::int64_t, const SamplingOptions&, double*, double*);
template std::int64_t draw_token(const float*, double);
template std::int64_t draw_token(const double*, double);

}  // namespace rest
