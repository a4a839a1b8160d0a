#pragma once

#include <cstdint>
#include <cstring>

#define REST_INLINE inline __attribute__((always_inline))
/// A function compiled for several instruction sets, of which the processor's is taken; what it calls must be inlined.
#define REST_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))

namespace rest {

/// 16 floats, whatever registers they take. Not passed by value: that would depend on the instruction set.
typedef float Floats __attribute__((vector_size(64)));
constexpr std::int64_t float_lanes = 16;

/// out = exp(x) for x <= 0 (88 at most), within 2 ulp (Cephes' expf polynomial), of a number or of a vector of them.
template <class Real, class Integer>
REST_INLINE void exp_by_polynomial(const Real& unbounded, Real& out) {
  const Real lowest = Real{} - 87.0f;
  const Real x = unbounded < lowest ? lowest : unbounded;
  const Real shifted = x * 1.44269504088896341f + 12582912.0f;  // 1.5 * 2^23: rounds to an integer in the low bits
  const Real n = shifted - 12582912.0f;
  const Real r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  Real p = Real{} + 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  Integer bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  const Integer scale_bits = (bits - (0x4B400000 - 127)) * (1 << 23);
  Real scale;
  std::memcpy(&scale, &scale_bits, sizeof scale);
  out = p * scale;
}

/// Written so that loops over it vectorise.
inline float vector_exp(float x) {
  float result;
  exp_by_polynomial<float, std::int32_t>(x, result);
  return result;
}

REST_INLINE void vector_exp(const Floats& x, Floats& out) {
  typedef std::int32_t Integers __attribute__((vector_size(64)));
  exp_by_polynomial<Floats, Integers>(x, out);
}

/// Adds up 16 lanes by halves: j + (j + 8), then 4, 2, 1.
template <class Real>
REST_INLINE Real lane_sum(const Real* lanes) {
  typedef Real Half __attribute__((vector_size(8 * sizeof(Real))));
  typedef Real Quarter __attribute__((vector_size(4 * sizeof(Real))));
  Half halves[2];
  std::memcpy(halves, lanes, sizeof halves);
  const Half half = halves[0] + halves[1];
  Quarter quarters[2];
  std::memcpy(quarters, &half, sizeof quarters);
  const Quarter quarter = quarters[0] + quarters[1];
  return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

REST_INLINE float lane_sum(const Floats& vector) {
  float lanes[float_lanes];
  std::memcpy(lanes, &vector, sizeof lanes);
  return lane_sum(lanes);
}

REST_INLINE float lane_max(const Floats& vector) {
  typedef float Half __attribute__((vector_size(32)));
  typedef float Quarter __attribute__((vector_size(16)));
  Half halves[2];
  std::memcpy(halves, &vector, sizeof halves);
  const Half half = halves[0] > halves[1] ? halves[0] : halves[1];
  Quarter quarters[2];
  std::memcpy(quarters, &half, sizeof quarters);
  const Quarter quarter = quarters[0] > quarters[1] ? quarters[0] : quarters[1];
  const float a = quarter[0] > quarter[2] ? quarter[0] : quarter[2],
              b = quarter[1] > quarter[3] ? quarter[1] : quarter[3];
  return a > b ? a : b;
}

}  // namespace rest
