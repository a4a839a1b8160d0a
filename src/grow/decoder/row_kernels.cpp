#include "row_kernels.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "../../model/functions.hpp"
#include "../../model/vector_rows.hpp"

namespace rest {
namespace {

template <class Real>
REST_INLINE Real finished(const Real* sums, const Finish<Real>& finish, std::int64_t i) {
  return sums[i] + finish.bias[i];
}
REST_INLINE float finished(const std::int32_t* sums, const Finish<float>& finish, std::int64_t i) {
  return static_cast<float>(sums[i] - finish.offsets[i]) * (finish.row_scale * finish.scales[i]) + finish.bias[i];
}

/// Sum of term(i) in 16 lanes, which a loop in order would not allow.
template <class Real, class Term>
REST_INLINE Real sum_of_terms(std::int64_t size, Term term) {
  constexpr std::int64_t lanes = 16;
  Real lane[lanes] = {};
  std::int64_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (std::int64_t j = 0; j < lanes; ++j) lane[j] += term(i + j);
  }
  for (; i < size; ++i) lane[i % lanes] += term(i);
  return lane_sum(lane);
}

template <class Real>
REST_INLINE void normalise(const Real* row, const Real* weight, const Real* bias, std::int64_t size, Real* out) {
  const Real mean = sum_of_terms<Real>(size, [&](std::int64_t i) { return row[i]; }) / static_cast<Real>(size);
  const Real variance = sum_of_terms<Real>(size, [&](std::int64_t i) { return (row[i] - mean) * (row[i] - mean); }) /
                        static_cast<Real>(size);
  const Real factor = 1 / std::sqrt(variance + static_cast<Real>(norm_epsilon));
  for (std::int64_t i = 0; i < size; ++i) out[i] = (row[i] - mean) * factor * weight[i] + bias[i];
}

REST_INLINE float largest_magnitude(const float* row, std::int64_t size) {
  Floats largest = {}, value;
  std::int64_t i = 0;
  for (; i + float_lanes <= size; i += float_lanes) {
    std::memcpy(&value, row + i, sizeof value);
    value = value < 0 ? -value : value;
    largest = value > largest ? value : largest;
  }
  float result = lane_max(largest);
  for (; i < size; ++i) result = std::max(result, std::abs(row[i]));
  return result;
}

/// To the nearest integer, plus 128.
REST_INLINE std::uint8_t rounded_byte(float x) {
  const float shifted = x + 12582912.0f;  // 1.5 * 2^23: rounds to an integer in the low bits
  std::int32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  return static_cast<std::uint8_t>(bits - 0x4B400000 + 128);
}

REST_INLINE void round_bytes(const float* row, std::int64_t size, float factor, std::uint8_t* out) {
  typedef std::uint8_t Bytes __attribute__((vector_size(16)));
  std::int64_t i = 0;
  for (; i + float_lanes <= size; i += float_lanes) {
    Floats value;
    std::memcpy(&value, row + i, sizeof value);
    const Floats shifted = value * factor + 12582912.0f;
    Words bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    const Bytes bytes = __builtin_convertvector(bits + (128u - 0x4B400000u), Bytes);
    std::memcpy(out + i, &bytes, sizeof bytes);
  }
  for (; i < size; ++i) out[i] = rounded_byte(row[i] * factor);
}

}  // namespace

REST_CLONES void load_row(const float* sums, const Finish<float>& finish, std::int64_t size, float* out) {
  const Finish<float> own = finish;
  for (std::int64_t i = 0; i < size; ++i) out[i] = finished(sums, own, i);
}
REST_CLONES void load_row(const double* sums, const Finish<double>& finish, std::int64_t size, double* out) {
  const Finish<double> own = finish;
  for (std::int64_t i = 0; i < size; ++i) out[i] = finished(sums, own, i);
}
REST_CLONES void load_row(const std::int32_t* sums, const Finish<float>& finish, std::int64_t size, float* out) {
  const Finish<float> own = finish;
  for (std::int64_t i = 0; i < size; ++i) out[i] = finished(sums, own, i);
}

REST_CLONES void add_row(const float* sums, const Finish<float>& finish, std::int64_t size, float* x) {
  const Finish<float> own = finish;
  for (std::int64_t i = 0; i < size; ++i) x[i] += finished(sums, own, i);
}
REST_CLONES void add_row(const double* sums, const Finish<double>& finish, std::int64_t size, double* x) {
  const Finish<double> own = finish;
  for (std::int64_t i = 0; i < size; ++i) x[i] += finished(sums, own, i);
}
REST_CLONES void add_row(const std::int32_t* sums, const Finish<float>& finish, std::int64_t size, float* x) {
  const Finish<float> own = finish;
  for (std::int64_t i = 0; i < size; ++i) x[i] += finished(sums, own, i);
}

float store_row(const float* row, std::int64_t size, float* out) {
  std::copy(row, row + size, out);
  return 1.0f;
}
REST_CLONES float store_row(const float* row, std::int64_t size, at::BFloat16* out) {
  auto* const bits = reinterpret_cast<std::uint16_t*>(out);
  for (std::int64_t i = 0; i < size; ++i) bits[i] = bfloat16_bits(row[i]);
  return 1.0f;
}
float store_row(const double* row, std::int64_t size, double* out) {
  std::copy(row, row + size, out);
  return 1.0f;
}
REST_CLONES float store_row(const float* row, std::int64_t size, std::uint8_t* out) {
  const float largest = largest_magnitude(row, size);
  round_bytes(row, size, largest > 0.0f ? 127.0f / largest : 0.0f, out);
  return largest / 127.0f;
}

REST_CLONES void relu_row(float* row, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) row[i] = row[i] < 0 ? 0 : row[i];
}
REST_CLONES void relu_row(double* row, std::int64_t size) {
  for (std::int64_t i = 0; i < size; ++i) row[i] = row[i] < 0 ? 0 : row[i];
}

REST_CLONES void normalise_row(const float* row, const float* weight, const float* bias, std::int64_t size,
                               float* out) {
  normalise(row, weight, bias, size, out);
}
REST_CLONES void normalise_row(const double* row, const double* weight, const double* bias, std::int64_t size,
                               double* out) {
  normalise(row, weight, bias, size, out);
}

}  // namespace rest
