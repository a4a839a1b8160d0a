#pragma once

#include <cstdint>
#include <cstring>

namespace rest {

/// Unsigned integers in the order of the floats, not NaN: negative ones have all bits flipped, the others the sign.
/// Minus zero is zero.
inline std::uint32_t ordered_bits(float value) {
  const float plain = value + 0.0f;  // which makes a zero of minus zero
  std::uint32_t bits;
  std::memcpy(&bits, &plain, sizeof bits);
  return bits ^ ((0u - (bits >> 31)) | 0x80000000u);
}

inline float from_ordered_bits(std::uint32_t ordered) {
  const std::uint32_t bits = ordered ^ (((ordered >> 31) - 1u) | 0x80000000u);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace rest
