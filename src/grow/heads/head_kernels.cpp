#include "head_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "rest/core/vector_math.hpp"

namespace rest {
namespace {

REST_INLINE float exponential(float x) { return vector_exp(x); }
REST_INLINE double exponential(double x) { return std::exp(x); }

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
  return {max, lane_sum(lane), lane_sum(lane_at_1)};
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
  return lane_sum(lane);
}

template <class Real>
REST_INLINE std::int64_t places_above(const Real* logits, std::int64_t size, Real bound, std::int32_t* places) {
  std::int64_t count = 0;
  for (std::int64_t i = 0; i < size; i += head_lanes) {
    const std::int64_t lanes = std::min(head_lanes, size - i);
    if (lanes == head_lanes) {
      std::int32_t any = 0;
      for (std::int64_t j = 0; j < head_lanes; ++j) any |= logits[i + j] > bound ? 1 : 0;
      if (any == 0) continue;
    }
    for (std::int64_t j = 0; j < lanes; ++j) {
      places[count] = static_cast<std::int32_t>(i + j);
      count += logits[i + j] > bound ? 1 : 0;
    }
  }
  return count;
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

REST_CLONES std::int64_t find_above(const float* logits, std::int64_t size, float bound, std::int32_t* places) {
  return places_above(logits, size, bound, places);
}
REST_CLONES std::int64_t find_above(const double* logits, std::int64_t size, double bound, std::int32_t* places) {
  return places_above(logits, size, bound, places);
}

float weight_in_block(float logit, float largest, float inverse_temperature) {
  return exponential((logit - largest) * inverse_temperature);
}
double weight_in_block(double logit, double largest, double inverse_temperature) {
  return exponential((logit - largest) * inverse_temperature);
}

float block_sum(const float* weights) { return sum_of_block(weights); }
double block_sum(const double* weights) { return sum_of_block(weights); }

}  // namespace rest
