#include "head_kernels.hpp"

#include <algorithm>
#include <cmath>

#include "rest/core/vector_math.hpp"

#define REST_INLINE inline __attribute__((always_inline))
#define REST_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))

namespace rest {
namespace {

REST_INLINE float exponential(float x) { return vector_exp(x); }
REST_INLINE double exponential(double x) { return std::exp(x); }

template <class Real>
REST_INLINE Real sum_of_lanes(Real* lane) {
  for (std::int64_t half = head_lanes / 2; half > 0; half /= 2) {
    for (std::int64_t j = 0; j < half; ++j) lane[j] += lane[j + half];
  }
  return lane[0];
}

template <class Real>
REST_INLINE Real largest_of_block(const Real* logits) {
  Real lane[head_lanes];
  for (std::int64_t j = 0; j < head_lanes; ++j) lane[j] = logits[j];
  for (std::int64_t i = head_lanes; i < head_block; i += head_lanes) {
    for (std::int64_t j = 0; j < head_lanes; ++j) lane[j] = logits[i + j] > lane[j] ? logits[i + j] : lane[j];
  }
  for (std::int64_t half = head_lanes / 2; half > 0; half /= 2) {
    for (std::int64_t j = 0; j < half; ++j) lane[j] = lane[j + half] > lane[j] ? lane[j + half] : lane[j];
  }
  return lane[0];
}

/// `logits` has a whole block, of which the first `valid` count. NaN in a logit comes out in the sums.
template <class Real, bool Tempered, bool Keep, bool Whole>
REST_INLINE BlockSums<Real> sum_block(const Real* logits, std::int64_t valid, Real inverse_temperature,
                                      Real* weights) {
  const Real max = largest_of_block(logits);
  Real lane[head_lanes] = {}, lane_at_1[head_lanes] = {};
  for (std::int64_t i = 0; i < head_block; i += head_lanes) {
    for (std::int64_t j = 0; j < head_lanes; ++j) {
      const bool counts = Whole || i + j < valid;
      const Real below = logits[i + j] - max;
      lane_at_1[j] += counts ? exponential(below) : 0;
      if constexpr (Tempered) {
        const Real weight = counts ? exponential(below * inverse_temperature) : 0;
        lane[j] += weight;
        if constexpr (Keep) weights[i + j] = weight;
      }
    }
  }
  return {max, sum_of_lanes(lane), sum_of_lanes(lane_at_1)};
}

template <class Real, bool Tempered, bool Keep>
REST_INLINE void sum_all_blocks(const Real* logits, std::int64_t size, Real inverse_temperature,
                                BlockSums<Real>* sums, Real* weights) {
  const std::int64_t whole = size / head_block, valid = size - whole * head_block;
  for (std::int64_t b = 0; b < whole; ++b) {
    sums[b] = sum_block<Real, Tempered, Keep, true>(logits + b * head_block, head_block, inverse_temperature,
                                                    Keep ? weights + b * head_block : nullptr);
  }
  if (valid == 0) return;
  Real last[head_block];
  for (std::int64_t i = 0; i < head_block; ++i) last[i] = logits[whole * head_block + std::min(i, valid - 1)];
  sums[whole] = sum_block<Real, Tempered, Keep, false>(last, valid, inverse_temperature,
                                                       Keep ? weights + whole * head_block : nullptr);
}

template <class Real>
REST_INLINE void sum_row(const Real* logits, std::int64_t size, Real inverse_temperature,
                         BlockSums<Real>* sums, Real* weights) {
  if (inverse_temperature == 0) {
    sum_all_blocks<Real, false, false>(logits, size, inverse_temperature, sums, weights);
  } else if (weights) {
    sum_all_blocks<Real, true, true>(logits, size, inverse_temperature, sums, weights);
  } else {
    sum_all_blocks<Real, true, false>(logits, size, inverse_temperature, sums, weights);
  }
}

template <class Real>
REST_INLINE Real sum_of_block(const Real* weights) {
  Real lane[head_lanes] = {};
  for (std::int64_t i = 0; i < head_block; i += head_lanes) {
    for (std::int64_t j = 0; j < head_lanes; ++j) lane[j] += weights[i + j];
  }
  return sum_of_lanes(lane);
}

}  // namespace

REST_CLONES void sum_blocks(const float* logits, std::int64_t size, float inverse_temperature,
                            BlockSums<float>* sums, float* weights) {
  sum_row(logits, size, inverse_temperature, sums, weights);
}
REST_CLONES void sum_blocks(const double* logits, std::int64_t size, double inverse_temperature,
                            BlockSums<double>* sums, double* weights) {
  sum_row(logits, size, inverse_temperature, sums, weights);
}

float block_sum(const float* weights) { return sum_of_block(weights); }
double block_sum(const double* weights) { return sum_of_block(weights); }

}  // namespace rest
