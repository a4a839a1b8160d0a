#include "attention.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "../../model/vector_rows.hpp"

namespace rest {
namespace {

/// 16 numbers, whatever registers they take. Not passed by value: that would depend on the instruction set.
constexpr std::int64_t lanes = float_lanes;
template <class Real>
struct VectorOf {
  typedef Real type __attribute__((vector_size(lanes * sizeof(Real))));
};

template <class Real>
REST_INLINE void load(const Real* from, typename VectorOf<Real>::type& to) {
  std::memcpy(&to, from, sizeof to);
}
REST_INLINE void load(const at::BFloat16* from, Floats& to) { load_lanes(from, to); }

/// Softmax of scores [length], which become zero from `length` to `padded`.
REST_INLINE void softmax(double* scores, std::int64_t length, std::int64_t padded) {
  const double largest = *std::max_element(scores, scores + length);
  double sum = 0.0;
  for (std::int64_t t = 0; t < length; ++t) sum += scores[t] = std::exp(scores[t] - largest);
  for (std::int64_t t = 0; t < padded; ++t) scores[t] = t < length ? scores[t] / sum : 0.0;
}
REST_INLINE void softmax(float* scores, std::int64_t length, std::int64_t padded) {
  softmax_lanes(scores, length, padded);
}

REST_INLINE std::int64_t padded_length(std::int64_t length) { return (length + lanes - 1) / lanes * lanes; }

template <class Real, class Cache>
REST_INLINE void scores_plainly(const Real* query, const Attended<Cache>& over, std::int64_t stride,
                                std::int64_t head_dim, Real* scores) {
  for (std::int64_t t = 0; t < over.length; ++t) {
    const Cache* const key = over.table + over.entries[t] * stride;
    Real sum = 0;
    for (std::int64_t d = 0; d < head_dim; ++d) sum += query[d] * static_cast<Real>(key[d]);
    scores[t] = sum;
  }
}

/// head_dim a multiple of 16: the dot products of 16 entries are folded together.
template <class Cache>
REST_INLINE void scores_by_vectors(const float* query, const Attended<Cache>& over, std::int64_t stride,
                                   std::int64_t head_dim, float* scores) {
  for (std::int64_t t = 0; t < over.length; t += lanes) {
    Floats products[lanes];
    for (std::int64_t j = 0; j < lanes; ++j) {
      const Cache* const key = over.table + over.entries[std::min(t + j, over.length - 1)] * stride;
      Floats sum = {}, q, k;
      for (std::int64_t d = 0; d < head_dim; d += lanes) {
        load(query + d, q);
        load(key + d, k);
        sum += q * k;
      }
      products[j] = sum;
    }
    Floats sums;
    sum_lanes_of_16(products, sums);
    std::memcpy(scores + t, &sums, sizeof sums);
  }
}

/// out [head_dim] = sum over t of weights[t] * value of entry t; `values` points to this head's values of entry 0.
template <class Real, class Cache>
REST_INLINE void weigh_values(const Real* weights, const Cache* values, const Attended<Cache>& over,
                              std::int64_t stride, std::int64_t head_dim, Real* out) {
  std::int64_t d = 0;
  for (; d + 4 * lanes <= head_dim; d += 4 * lanes) {
    typename VectorOf<Real>::type sum[4] = {}, value;
    for (std::int64_t t = 0; t < over.length; ++t) {
      const Cache* const entry = values + over.entries[t] * stride + d;
      for (std::int64_t j = 0; j < 4; ++j) {
        load(entry + j * lanes, value);
        sum[j] += weights[t] * value;
      }
    }
    std::memcpy(out + d, sum, sizeof sum);
  }
  for (; d + lanes <= head_dim; d += lanes) {
    typename VectorOf<Real>::type sum = {}, value;
    for (std::int64_t t = 0; t < over.length; ++t) {
      load(values + over.entries[t] * stride + d, value);
      sum += weights[t] * value;
    }
    std::memcpy(out + d, &sum, sizeof sum);
  }
  for (; d < head_dim; ++d) {
    Real sum = 0;
    for (std::int64_t t = 0; t < over.length; ++t) {
      sum += weights[t] * static_cast<Real>(values[over.entries[t] * stride + d]);
    }
    out[d] = sum;
  }
}

template <class Real, class Cache>
REST_INLINE void attend_row(const Real* query, const Attended<Cache>& over, AttentionShape shape, Real* scratch,
                            Real* out) {
  const std::int64_t hidden = shape.hidden(), head_dim = shape.head_dim, stride = 2 * hidden;
  Real* const scaled = scratch;           // [hidden]
  Real* const scores = scratch + hidden;  // [padded length]
  const Real scale = 1 / std::sqrt(static_cast<Real>(head_dim));
  for (std::int64_t i = 0; i < hidden; ++i) scaled[i] = query[i] * scale;
  for (std::int64_t h = 0; h < shape.heads; ++h) {
    const std::int64_t first = h * head_dim;
    const Attended<Cache> of_head{over.table + first, over.entries, over.length};
    if constexpr (std::is_same_v<Real, float>) {
      if (head_dim % lanes == 0) {
        scores_by_vectors(scaled + first, of_head, stride, head_dim, scores);
      } else {
        scores_plainly(scaled + first, of_head, stride, head_dim, scores);
      }
    } else {
      scores_plainly(scaled + first, of_head, stride, head_dim, scores);
    }
    softmax(scores, over.length, padded_length(over.length));
    weigh_values(scores, over.table + hidden + first, over, stride, head_dim, out + first);
  }
}

/// Scores of `Rows` queries that stand `stride` apart, [Rows, padded].
template <class Real, std::int64_t Rows>
REST_INLINE void source_scores(const Real* queries, std::int64_t stride, const Real* keys, std::int64_t padded,
                               std::int64_t head_dim, Real scale, Real* scores) {
  for (std::int64_t t = 0; t < padded; t += lanes) {
    typename VectorOf<Real>::type sum[Rows] = {}, key;
    for (std::int64_t d = 0; d < head_dim; ++d) {
      load(keys + d * padded + t, key);
      for (std::int64_t r = 0; r < Rows; ++r) sum[r] += queries[r * stride + d] * key;
    }
    for (std::int64_t r = 0; r < Rows; ++r) {
      sum[r] *= scale;
      std::memcpy(scores + r * padded + t, &sum[r], sizeof sum[r]);
    }
  }
}

template <class Real, std::int64_t Rows>
REST_INLINE void source_values(const Real* weights, const Real* values, std::int64_t length, std::int64_t padded,
                               std::int64_t head_dim, Real* out, std::int64_t stride) {
  std::int64_t d = 0;
  for (; d + lanes <= head_dim; d += lanes) {
    typename VectorOf<Real>::type sum[Rows] = {}, value;
    for (std::int64_t t = 0; t < length; ++t) {
      load(values + t * head_dim + d, value);
      for (std::int64_t r = 0; r < Rows; ++r) sum[r] += weights[r * padded + t] * value;
    }
    for (std::int64_t r = 0; r < Rows; ++r) std::memcpy(out + r * stride + d, &sum[r], sizeof sum[r]);
  }
  for (; d < head_dim; ++d) {
    for (std::int64_t r = 0; r < Rows; ++r) {
      Real sum = 0;
      for (std::int64_t t = 0; t < length; ++t) sum += weights[r * padded + t] * values[t * head_dim + d];
      out[r * stride + d] = sum;
    }
  }
}

template <class Real, std::int64_t Rows>
REST_INLINE void attend_source_rows(const Real* queries, const AttendedSource<Real>& over, AttentionShape shape,
                                    Real* scores, Real* out) {
  const Real scale = 1 / std::sqrt(static_cast<Real>(shape.head_dim));
  const std::int64_t per_head = shape.head_dim * over.padded;
  for (std::int64_t h = 0; h < shape.heads; ++h) {
    const std::int64_t first = h * shape.head_dim;
    source_scores<Real, Rows>(queries + first, shape.hidden(), over.keys + h * per_head, over.padded, shape.head_dim,
                              scale, scores);
    for (std::int64_t r = 0; r < Rows; ++r) softmax(scores + r * over.padded, over.length, over.padded);
    source_values<Real, Rows>(scores, over.values + h * per_head, over.length, over.padded, shape.head_dim, out + first,
                              shape.hidden());
  }
}

constexpr std::int64_t rows_together = 8;

template <class Real>
REST_INLINE void attend_source(const Real* queries, std::int64_t rows, const AttendedSource<Real>& over,
                               AttentionShape shape, Real* scratch, Real* out) {
  const std::int64_t hidden = shape.hidden();
  std::int64_t row = 0;
  for (; row + rows_together <= rows; row += rows_together) {
    attend_source_rows<Real, rows_together>(queries + row * hidden, over, shape, scratch, out + row * hidden);
  }
  for (; row < rows; ++row)
    attend_source_rows<Real, 1>(queries + row * hidden, over, shape, scratch, out + row * hidden);
}

}  // namespace

std::size_t attention_scratch(AttentionShape shape, std::int64_t length) {
  return static_cast<std::size_t>(shape.hidden() + rows_together * (length + attention_padding));
}

REST_CLONES void attend(const float* query, const Attended<float>& over, AttentionShape shape, float* scratch,
                        float* out) {
  attend_row(query, over, shape, scratch, out);
}
REST_CLONES void attend(const float* query, const Attended<at::BFloat16>& over, AttentionShape shape, float* scratch,
                        float* out) {
  attend_row(query, over, shape, scratch, out);
}
REST_CLONES void attend(const double* query, const Attended<double>& over, AttentionShape shape, double* scratch,
                        double* out) {
  attend_row(query, over, shape, scratch, out);
}

REST_CLONES void attend(const float* queries, std::int64_t rows, const AttendedSource<float>& over,
                        AttentionShape shape, float* scratch, float* out) {
  attend_source(queries, rows, over, shape, scratch, out);
}
REST_CLONES void attend(const double* queries, std::int64_t rows, const AttendedSource<double>& over,
                        AttentionShape shape, double* scratch, double* out) {
  attend_source(queries, rows, over, shape, scratch, out);
}

}  // namespace rest
