#include "vector_sum.hpp"

#include <algorithm>
#include <cstring>

#include "rest/core/vector_math.hpp"

namespace rest {
namespace {

float to_float(Bfloat16 value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value.bits) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

}  // namespace

void copy_to(float* target, const float* values, std::size_t count) { std::copy_n(values, count, target); }

REST_CLONES void copy_to(float* __restrict target, const Bfloat16* __restrict values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) target[i] = to_float(values[i]);
}

REST_CLONES void add_to(float* __restrict sum, const float* __restrict values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sum[i] += values[i];
}

REST_CLONES void add_to(float* __restrict sum, const Bfloat16* __restrict values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sum[i] += to_float(values[i]);
}

REST_CLONES void set_to_sum(float* sum, const float* left, const float* right, std::size_t count) {
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) sum[i] = left[i] + right[i];
}

REST_CLONES double square_sum(const float* values, std::size_t count) {
  constexpr std::size_t lanes = 16;
  double sums[lanes] = {};
  const std::size_t whole = count / lanes * lanes;
  for (std::size_t i = 0; i < whole; i += lanes)
    for (std::size_t j = 0; j < lanes; ++j) {
      const auto value = static_cast<double>(values[i + j]);
      sums[j] += value * value;
    }
  double total = 0.0;
  for (const double sum : sums) total += sum;
  for (std::size_t i = whole; i < count; ++i) total += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return total;
}

}  // namespace rest
