#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace rest {

/// exp(x) for x <= 0 (88 at most), within 2 ulp, written so that loops over it vectorise (Cephes' expf polynomial).
inline float vector_exp(float x) {
  x = std::max(x, -87.0f);
  const float shifted = x * 1.44269504088896341f + 12582912.0f;  // 1.5 * 2^23: rounds to an integer in the low bits
  const float n = shifted - 12582912.0f;
  const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  std::int32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  const std::int32_t scale_bits = (bits - 0x4B400000 + 127) * (1 << 23);
  float scale;
  std::memcpy(&scale, &scale_bits, sizeof scale);
  return p * scale;
}

}  // namespace rest
