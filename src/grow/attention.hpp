#pragma once

#include <cstddef>
#include <cstdint>

namespace rest {

struct AttentionShape {
  std::int64_t heads, head_dim;
  std::int64_t hidden() const { return heads * head_dim; }
};

/// What one query looks at: `length` entries of a table whose entry holds key then value, [2 hidden].
template <class Real>
struct Attended {
  const Real* table;
  const std::int32_t* entries;
  std::int64_t length;
};

/// Elements of scratch that attend() needs for `length` entries.
std::size_t attention_scratch(AttentionShape shape, std::int64_t length);

/// Scaled dot-product attention of one query [hidden] -> out [hidden]. Each row alone and in a fixed order: its result
/// does not depend on what else is decoded.
void attend(const float* query, const Attended<float>& over, AttentionShape shape, float* scratch, float* out);
void attend(const double* query, const Attended<double>& over, AttentionShape shape, double* scratch, double* out);

}  // namespace rest
