#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>
#include <vector>

#include "rest/comm/gradient_reducer.hpp"

namespace rest {

/// Parts of up to `longest` elements, with gaps of three between them.
inline ReducerOptions reducer_options(std::size_t leaves, std::size_t elements, std::size_t longest) {
  ReducerOptions options;
  options.leaves = static_cast<std::int64_t>(leaves);
  options.elements = elements;
  for (std::size_t at = 0; at < elements; at += longest + 3)
    options.parts.push_back({at, std::min(longest, elements - at)});
  return options;
}

/// The whole buffer is one part.
inline ReducerOptions reducer_options(std::size_t leaves, std::size_t elements) {
  return reducer_options(leaves, elements, std::max<std::size_t>(1, elements));
}

/// What lies in no part is zero.
inline void clear_gaps(const ReducerOptions& options, std::vector<std::vector<float>>& leaves) {
  for (std::vector<float>& values : leaves) {
    std::vector<float> cleared(values.size(), 0.0f);
    for (const GradientPart& part : options.parts)
      std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(part.offset), part.size,
                  cleared.begin() + static_cast<std::ptrdiff_t>(part.offset));
    values = cleared;
  }
}

/// Adds a leaf's parts in an order of its own.
inline void add_leaf(GradientReducer& reducer, const ReducerOptions& options, std::int64_t leaf,
                     const std::vector<float>& values) {
  std::vector<std::size_t> order(options.parts.size());
  std::iota(order.rbegin(), order.rend(), std::size_t{0});
  std::mt19937_64 generator(static_cast<std::uint64_t>(leaf));
  if (leaf % 2 == 1) std::shuffle(order.begin(), order.end(), generator);
  for (const std::size_t i : order) {
    const GradientPart& part = options.parts[i];
    const std::vector<float> reused(values.data() + part.offset, values.data() + part.offset + part.size);
    reducer.add(leaf, i, Span<const float>(reused));
  }
  reducer.end_leaf(leaf);
}

/// Squares as GradientSum adds them up.
inline double square_sum_by_definition(const std::vector<float>& values) {
  double total = 0.0;
  for (std::size_t block = 0; block < values.size(); block += 4096) {
    const std::size_t end = std::min(values.size(), block + 4096), whole = block + (end - block) / 16 * 16;
    double lanes[16] = {}, sum = 0.0;
    for (std::size_t i = block; i < whole; ++i) lanes[i % 16] += static_cast<double>(values[i]) * values[i];
    for (const double lane : lanes) sum += lane;
    for (std::size_t i = whole; i < end; ++i) sum += static_cast<double>(values[i]) * values[i];
    total += sum;
  }
  return total;
}

inline Bfloat16 bfloat16_of(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return {static_cast<std::uint16_t>(bits >> 16)};
}

/// Rounded towards zero to a bfloat16.
inline float cut_to_bfloat16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  bits &= 0xffff0000u;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace rest
