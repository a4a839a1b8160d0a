#pragma once

#include <cstddef>

#include "rest/comm/gradient_reducer.hpp"

namespace rest {

/// Elements whose squares are added up together, and which a pass over several buffers takes at a time: they stay in
/// the first level of the cache.
constexpr std::size_t sum_block = 4096;

void copy_to(float* target, const float* values, std::size_t count);
void copy_to(float* target, const Bfloat16* values, std::size_t count);
/// sum[i] += values[i].
void add_to(float* sum, const float* values, std::size_t count);
void add_to(float* sum, const Bfloat16* values, std::size_t count);
/// sum[i] = left[i] + right[i]; the sum may be one of the two.
void set_to_sum(float* sum, const float* left, const float* right, std::size_t count);

/// Sum of squares in a fixed order: 16 lanes.
double square_sum(const float* values, std::size_t count);

}  // namespace rest
