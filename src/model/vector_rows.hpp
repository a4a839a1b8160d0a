#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>

#include "rest/core/vector_math.hpp"

#define REST_INLINE inline __attribute__((always_inline))
#define REST_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))

namespace rest {

typedef std::uint32_t Words __attribute__((vector_size(64)));
typedef std::uint16_t HalfWords __attribute__((vector_size(32)));

REST_INLINE void load_lanes(const float* from, Floats& to) { std::memcpy(&to, from, sizeof to); }
REST_INLINE void load_lanes(const c10::BFloat16* from, Floats& to) {
  HalfWords halves;
  std::memcpy(&halves, from, sizeof halves);
  const Words words = __builtin_convertvector(halves, Words) << 16;
  std::memcpy(&to, &words, sizeof to);
}

REST_INLINE void store_lanes(const Floats& from, float* to) { std::memcpy(to, &from, sizeof from); }
/// To nearest, ties to even; what is not finite may become another number that is not.
REST_INLINE void store_lanes(const Floats& from, c10::BFloat16* to) {
  Words words;
  std::memcpy(&words, &from, sizeof words);
  const HalfWords halves = __builtin_convertvector((words + 0x7FFFu + ((words >> 16) & 1u)) >> 16, HalfWords);
  std::memcpy(to, &halves, sizeof halves);
}

/// Up to 16 numbers, the rest 0.
template <class Real>
REST_INLINE void load_part(const Real* from, std::int64_t count, Floats& to) {
  Real memory[float_lanes] = {};
  for (std::int64_t i = 0; i < count; ++i) memory[i] = from[i];
  load_lanes(memory, to);
}
template <class Real>
REST_INLINE void store_part(const Floats& from, std::int64_t count, Real* to) {
  Real memory[float_lanes];
  store_lanes(from, memory);
  for (std::int64_t i = 0; i < count; ++i) to[i] = memory[i];
}

/// Calls body(first, count, load, store) for `size` numbers in turns of 16: load(pointer, lanes) and store(lanes,
/// pointer) move `count` of them from or to pointer + first.
template <class Body>
REST_INLINE void for_lanes(std::int64_t size, Body body) {
  std::int64_t i = 0;
  for (; i + float_lanes <= size; i += float_lanes) {
    body(
        i, [i](const auto* from, Floats& to) __attribute__((always_inline)) { load_lanes(from + i, to); },
        [i](const Floats& from, auto* to) __attribute__((always_inline)) { store_lanes(from, to + i); });
  }
  if (i < size) {
    const std::int64_t count = size - i;
    body(
        i,
        [ i, count ](const auto* from, Floats& to) __attribute__((always_inline)) { load_part(from + i, count, to); },
        [ i, count ](const Floats& from, auto* to) __attribute__((always_inline)) { store_part(from, count, to + i); });
  }
}

/// Transposes 16 x 16 words: exchanges blocks of 8, 4, 2, 1.
REST_INLINE void transpose_words(Words* v) {
  constexpr Words low_8 = {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23};
  constexpr Words high_8 = {8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31};
  constexpr Words low_4 = {0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27};
  constexpr Words high_4 = {4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31};
  constexpr Words low_2 = {0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29};
  constexpr Words high_2 = {2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31};
  constexpr Words low_1 = {0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30};
  constexpr Words high_1 = {1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31};
  const auto exchange = [v](std::int64_t apart, const Words& low, const Words& high) __attribute__((always_inline)) {
    for (std::int64_t i = 0; i < float_lanes; ++i) {
      if (i & apart) continue;
      const Words first = v[i], second = v[i + apart];
      v[i] = __builtin_shuffle(first, second, low);
      v[i + apart] = __builtin_shuffle(first, second, high);
    }
  };
  exchange(8, low_8, high_8);
  exchange(4, low_4, high_4);
  exchange(2, low_2, high_2);
  exchange(1, low_1, high_1);
}

}  // namespace rest
