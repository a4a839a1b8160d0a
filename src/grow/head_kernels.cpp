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
REST_INLINE Real largest_of(const Real* values, std::int64_t size) {
  constexpr std::int64_t lanes = 4 * head_lanes;
  Real lane[lanes];
  for (std::int64_t j = 0; j < lanes; ++j) lane[j] = values[std::min(j, size - 1)];
  std::int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (std::int64_t j = 0; j < lanes; ++j) lane[j] = values[i + j] > lane[j] ? values[i + j] : lane[j];
  }
  for (; i < size; ++i) lane[0] = std::max(lane[0], values[i]);
  return *std::max_element(lane, lane + lanes);
}

template <class Real>
REST_INLINE void exponentiate_row(const Real* logits, std::int64_t size, Real max, Real scale, Real* weights) {
  for (std::int64_t i = 0; i < size; ++i) weights[i] = exponential((logits[i] - max) * scale);
  const std::int64_t end = (size + head_block - 1) / head_block * head_block;
  for (std::int64_t i = size; i < end; ++i) weights[i] = 0;
}

template <class Real>
REST_INLINE Real block_sum(const Real* weights) {
  Real lane[head_lanes];
  for (std::int64_t j = 0; j < head_lanes; ++j) lane[j] = weights[j];
  for (std::int64_t i = head_lanes; i < head_block; i += head_lanes) {
    for (std::int64_t j = 0; j < head_lanes; ++j) lane[j] += weights[i + j];
  }
  for (std::int64_t half = head_lanes / 2; half > 0; half /= 2) {
    for (std::int64_t j = 0; j < half; ++j) lane[j] += lane[j + half];
  }
  return lane[0];
}

template <class Real>
REST_INLINE void accumulate_row(const Real* weights, std::int64_t blocks, double* cumulative) {
  double sum = 0.0;
  for (std::int64_t b = 0; b < blocks; ++b) {
    sum += static_cast<double>(block_sum(weights + b * head_block));
    cumulative[b] = sum;
  }
}

template <class Real>
REST_INLINE double sum_row(const Real* logits, std::int64_t size, Real max) {
  double sum = 0.0;
  Real weights[head_block];
  std::int64_t i = 0;
  for (; i + head_block <= size; i += head_block) {
    for (std::int64_t j = 0; j < head_block; ++j) weights[j] = exponential(logits[i + j] - max);
    sum += static_cast<double>(block_sum(weights));
  }
  if (i < size) {
    exponentiate_row<Real>(logits + i, size - i, max, 1, weights);
    sum += static_cast<double>(block_sum(weights));
  }
  return sum;
}

}  // namespace

REST_CLONES float largest(const float* values, std::int64_t size) { return largest_of(values, size); }
REST_CLONES double largest(const double* values, std::int64_t size) { return largest_of(values, size); }

REST_CLONES void exponentiate(const float* logits, std::int64_t size, float max, float scale, float* weights) {
  exponentiate_row(logits, size, max, scale, weights);
}
REST_CLONES void exponentiate(const double* logits, std::int64_t size, double max, double scale, double* weights) {
  exponentiate_row(logits, size, max, scale, weights);
}

REST_CLONES void accumulate(const float* weights, std::int64_t blocks, double* cumulative) {
  accumulate_row(weights, blocks, cumulative);
}
REST_CLONES void accumulate(const double* weights, std::int64_t blocks, double* cumulative) {
  accumulate_row(weights, blocks, cumulative);
}

REST_CLONES double sum_exponentials(const float* logits, std::int64_t size, float max) {
  return sum_row(logits, size, max);
}
REST_CLONES double sum_exponentials(const double* logits, std::int64_t size, double max) {
  return sum_row(logits, size, max);
}

}  // namespace rest
