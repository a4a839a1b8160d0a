#include "attention.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "rest/core/vector_math.hpp"

#define REST_INLINE inline __attribute__((always_inline))
#define REST_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))

namespace rest {
namespace {

REST_INLINE float exponential(float x) { return vector_exp(x); }
REST_INLINE double exponential(double x) { return std::exp(x); }

/// 64 bytes of numbers, whatever registers they take. Not passed by value: that would depend on the instruction set.
template <class Real>
struct Vector {
  typedef Real type __attribute__((vector_size(64)));
  static constexpr std::int64_t lanes = 64 / sizeof(Real);
};

template <class Real>
REST_INLINE Real lane_sum(const typename Vector<Real>::type& vector) {
  typedef Real Half __attribute__((vector_size(32)));
  typedef Real Quarter __attribute__((vector_size(16)));
  Half halves[2];
  std::memcpy(halves, &vector, sizeof halves);
  const Half half = halves[0] + halves[1];
  Quarter quarters[2];
  std::memcpy(quarters, &half, sizeof quarters);
  const Quarter quarter = quarters[0] + quarters[1];
  if constexpr (sizeof(Real) == sizeof(float)) {
    return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
  } else {
    return quarter[0] + quarter[1];
  }
}

template <class Real>
REST_INLINE Real dot(const Real* a, const Real* b, std::int64_t size) {
  using V = Vector<Real>;
  typename V::type sums = {}, x, y;
  std::int64_t i = 0;
  for (; i + V::lanes <= size; i += V::lanes) {
    std::memcpy(&x, a + i, sizeof x);
    std::memcpy(&y, b + i, sizeof y);
    sums += x * y;
  }
  Real sum = lane_sum<Real>(sums);
  for (; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

template <class Real>
REST_INLINE void softmax(Real* scores, std::int64_t length) {
  Real largest = scores[0];
  for (std::int64_t t = 1; t < length; ++t) largest = std::max(largest, scores[t]);
  for (std::int64_t t = 0; t < length; ++t) scores[t] = exponential(scores[t] - largest);
  Real sum = 0;
  for (std::int64_t t = 0; t < length; ++t) sum += scores[t];
  const Real factor = 1 / sum;
  for (std::int64_t t = 0; t < length; ++t) scores[t] *= factor;
}

/// out[0, head_dim) = sum over t of weights[t] * value of entry t; `values` points to this head's values of entry 0.
template <class Real>
REST_INLINE void weighted_values(const Real* weights, const Real* values, const Attended<Real>& over,
                                 std::int64_t stride, std::int64_t head_dim, Real* out) {
  using V = Vector<Real>;
  std::int64_t i = 0;
  for (; i + V::lanes <= head_dim; i += V::lanes) {
    typename V::type sum = {}, value;
    for (std::int64_t t = 0; t < over.length; ++t) {
      std::memcpy(&value, values + over.entries[t] * stride + i, sizeof value);
      sum += weights[t] * value;
    }
    std::memcpy(out + i, &sum, sizeof sum);
  }
  for (; i < head_dim; ++i) {
    Real sum = 0;
    for (std::int64_t t = 0; t < over.length; ++t) sum += weights[t] * values[over.entries[t] * stride + i];
    out[i] = sum;
  }
}

template <class Real>
REST_INLINE void attend_row(const Real* query, const Attended<Real>& over, AttentionShape shape, Real* scratch,
                            Real* out) {
  const std::int64_t hidden = shape.hidden(), head_dim = shape.head_dim, stride = 2 * hidden;
  Real* const scaled = scratch;           // [hidden]
  Real* const scores = scratch + hidden;  // [heads, length]
  const Real scale = 1 / std::sqrt(static_cast<Real>(head_dim));
  for (std::int64_t i = 0; i < hidden; ++i) scaled[i] = query[i] * scale;
  for (std::int64_t t = 0; t < over.length; ++t) {
    const Real* const key = over.table + over.entries[t] * stride;
    for (std::int64_t h = 0; h < shape.heads; ++h) {
      scores[h * over.length + t] = dot(scaled + h * head_dim, key + h * head_dim, head_dim);
    }
  }
  for (std::int64_t h = 0; h < shape.heads; ++h) {
    Real* const weights = scores + h * over.length;
    softmax(weights, over.length);
    weighted_values(weights, over.table + hidden + h * head_dim, over, stride, head_dim, out + h * head_dim);
  }
}

}  // namespace

std::size_t attention_scratch(AttentionShape shape, std::int64_t length) {
  return static_cast<std::size_t>(shape.hidden() + shape.heads * length);
}

REST_CLONES void attend(const float* query, const Attended<float>& over, AttentionShape shape, float* scratch,
                        float* out) {
  attend_row(query, over, shape, scratch, out);
}

REST_CLONES void attend(const double* query, const Attended<double>& over, AttentionShape shape, double* scratch,
                        double* out) {
  attend_row(query, over, shape, scratch, out);
}

}  // namespace rest
