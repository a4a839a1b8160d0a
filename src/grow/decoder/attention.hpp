#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>

namespace rest {

struct AttentionShape {
  std::int64_t heads, head_dim;
  std::int64_t hidden() const { return heads * head_dim; }
};

/// What one query looks at: `length` entries of a table whose entry holds key then value, [2 hidden].
template <class Cache>
struct Attended {
  const Cache* table;
  const std::int32_t* entries;
  std::int64_t length;
};

/// What all rows of a source look at: keys [heads, head_dim, padded], values [heads, padded, head_dim], of which the
/// first `length` positions count. `padded` is a multiple of attention_padding.
template <class Real>
struct AttendedSource {
  const Real *keys, *values;
  std::int64_t length, padded;
};

constexpr std::int64_t attention_padding = 16;

/// Elements of scratch that the functions below need for `length` positions.
std::size_t attention_scratch(AttentionShape shape, std::int64_t length);

/// Scaled dot-product attention of one query [hidden] -> out [hidden]. Each row alone and in a fixed order: its result
/// does not depend on what else is decoded.
void attend(const float* query, const Attended<float>& over, AttentionShape shape, float* scratch, float* out);
void attend(const float* query, const Attended<at::BFloat16>& over, AttentionShape shape, float* scratch, float* out);
void attend(const double* query, const Attended<double>& over, AttentionShape shape, double* scratch, double* out);

/// The same of `rows` queries [rows, hidden] that look at one source; out [rows, hidden] may be `queries`.
void attend(const float* queries, std::int64_t rows, const AttendedSource<float>& over, AttentionShape shape,
            float* scratch, float* out);
void attend(const double* queries, std::int64_t rows, const AttendedSource<double>& over, AttentionShape shape,
            double* scratch, double* out);

}  // namespace rest
