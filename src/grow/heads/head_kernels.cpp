#include "head_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

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
REST_INLINE BlockSums<Real> sum_block_plainly(const Real* logits, std::int64_t valid, Real inverse_temperature,
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

/// The same by vectors. At T = 0.8, the paper's, one exponential serves both sums: with y = exp(x / 4), exp(x) is y^4
/// and exp(x / 0.8) is y^5.
template <bool Tempered, bool Keep, bool Fifth>
REST_INLINE BlockSums<float> sum_whole_block(const float* logits, float inverse_temperature, float* weights) {
  Floats values[head_block / float_lanes], max;
  std::memcpy(values, logits, sizeof values);
  max = values[0];
  for (const Floats& value : values) max = value > max ? value : max;
  const float largest = lane_max(max);
  Floats sum = {}, sum_at_1 = {};
  for (std::int64_t i = 0; i < head_block / float_lanes; ++i) {
    const Floats below = values[i] - largest;
    Floats at_1, weight = {};
    if constexpr (Fifth) {
      const Floats lowest = Floats{} - 68.0f;  // y^5 is still a normal number
      Floats root;
      vector_exp((below < lowest ? lowest : below) * 0.25f, root);
      const Floats square = root * root;
      at_1 = square * square;
      weight = at_1 * root;
    } else {
      vector_exp(below, at_1);
      if constexpr (Tempered) vector_exp(below * inverse_temperature, weight);
    }
    sum_at_1 += at_1;
    if constexpr (Tempered) {
      sum += weight;
      if constexpr (Keep) std::memcpy(weights + i * float_lanes, &weight, sizeof weight);
    }
  }
  return {largest, lane_sum(sum), lane_sum(sum_at_1)};
}

constexpr float fifth = 1.25f;  // 1 / 0.8

template <class Real, bool Tempered, bool Keep, bool Whole>
REST_INLINE BlockSums<Real> sum_block(const Real* logits, std::int64_t valid, Real inverse_temperature, Real* weights) {
  if constexpr (std::is_same_v<Real, float> && Whole) {
    if (Tempered && inverse_temperature == fifth) {
      return sum_whole_block<Tempered, Keep, true>(logits, inverse_temperature, weights);
    }
    return sum_whole_block<Tempered, Keep, false>(logits, inverse_temperature, weights);
  } else {
    return sum_block_plainly<Real, Tempered, Keep, Whole>(logits, valid, inverse_temperature, weights);
  }
}

template <class Real, bool Tempered, bool Keep>
REST_INLINE void sum_all_blocks(const Real* logits, std::int64_t size, Real inverse_temperature, BlockSums<Real>* sums,
                                Real* weights) {
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
REST_INLINE void sum_row(const Real* logits, std::int64_t size, Real inverse_temperature, BlockSums<Real>* sums,
                         Real* weights) {
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

template <class Real>
REST_INLINE Above<Real> above_in_block(const Real* logits, const Real* weights, Real bound) {
  Real weight[head_lanes] = {}, count[head_lanes] = {};
  for (std::int64_t i = 0; i < head_block; i += head_lanes) {
    for (std::int64_t j = 0; j < head_lanes; ++j) {
      const bool above = logits[i + j] > bound;
      weight[j] += above ? weights[i + j] : 0;
      count[j] += above ? 1 : 0;
    }
  }
  return {static_cast<std::int64_t>(sum_of_lanes(count)), sum_of_lanes(weight)};
}

template <class Real>
REST_INLINE void factors_of_blocks(const BlockSums<Real>* sums, std::int64_t blocks, Real max, Real inverse_temperature,
                                   Real* factors) {
  for (std::int64_t b = 0; b < blocks; ++b) factors[b] = sums[b].max - max;
  for (std::int64_t b = 0; b < blocks; ++b) factors[blocks + b] = exponential(factors[b] * inverse_temperature);
  for (std::int64_t b = 0; b < blocks; ++b) factors[b] = exponential(factors[b]);
}

}  // namespace

REST_CLONES void sum_blocks(const float* logits, std::int64_t size, float inverse_temperature, BlockSums<float>* sums,
                            float* weights) {
  sum_row(logits, size, inverse_temperature, sums, weights);
}
REST_CLONES void sum_blocks(const double* logits, std::int64_t size, double inverse_temperature,
                            BlockSums<double>* sums, double* weights) {
  sum_row(logits, size, inverse_temperature, sums, weights);
}

REST_CLONES void block_factors(const BlockSums<float>* sums, std::int64_t blocks, float max, float inverse_temperature,
                               float* factors) {
  factors_of_blocks(sums, blocks, max, inverse_temperature, factors);
}
REST_CLONES void block_factors(const BlockSums<double>* sums, std::int64_t blocks, double max,
                               double inverse_temperature, double* factors) {
  factors_of_blocks(sums, blocks, max, inverse_temperature, factors);
}

REST_CLONES Above<float> sum_above(const float* logits, const float* weights, float bound) {
  return above_in_block(logits, weights, bound);
}
REST_CLONES Above<double> sum_above(const double* logits, const double* weights, double bound) {
  return above_in_block(logits, weights, bound);
}

float block_sum(const float* weights) { return sum_of_block(weights); }
double block_sum(const double* weights) { return sum_of_block(weights); }

}  // namespace rest
