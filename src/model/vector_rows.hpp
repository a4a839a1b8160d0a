#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <cstring>
#include <limits>

#include "rest/core/vector_math.hpp"

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

/// To nearest, ties to even; NaN stays NaN.
REST_INLINE std::uint16_t bfloat16_bits(float x) {
  std::uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const std::uint32_t rounded = (bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16;
  return static_cast<std::uint16_t>(x != x ? 0x7FC0u : rounded);
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

/// Calls step(apart, low, high) for 8, 4, 2, 1: shuffles of two vectors of 16 that join the blocks of `apart` lanes of
/// the first with those of the second, the even blocks by `low`, the odd ones by `high`.
template <class Step>
REST_INLINE void for_exchanges(Step step) {
  constexpr Words low_8 = {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23};
  constexpr Words high_8 = {8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31};
  constexpr Words low_4 = {0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27};
  constexpr Words high_4 = {4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31};
  constexpr Words low_2 = {0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29};
  constexpr Words high_2 = {2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31};
  constexpr Words low_1 = {0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30};
  constexpr Words high_1 = {1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31};
  step(8, low_8, high_8);
  step(4, low_4, high_4);
  step(2, low_2, high_2);
  step(1, low_1, high_1);
}

/// Transposes 16 x 16 words.
REST_INLINE void transpose_words(Words* v) {
  for_exchanges([v](std::int64_t apart, const Words& low, const Words& high) __attribute__((always_inline)) {
    for (std::int64_t i = 0; i < float_lanes; ++i) {
      if (i & apart) continue;
      const Words first = v[i], second = v[i + apart];
      v[i] = __builtin_shuffle(first, second, low);
      v[i + apart] = __builtin_shuffle(first, second, high);
    }
  });
}

/// sums[j] = the sum of the lanes of vectors[j], by halves: each step folds two vectors into one. Destroys `vectors`.
REST_INLINE void sum_lanes_of_16(Floats* vectors, Floats& sums) {
  for_exchanges([vectors](std::int64_t apart, const Words& low, const Words& high) __attribute__((always_inline)) {
    for (std::int64_t i = 0; i < apart; ++i) {
      vectors[i] = __builtin_shuffle(vectors[i], vectors[i + apart], low) +
                   __builtin_shuffle(vectors[i], vectors[i + apart], high);
    }
  });
  sums = vectors[0];
}

/// Softmax of scores [length], which become zero from `length` to `padded`, a multiple of 16.
REST_INLINE void softmax_lanes(float* scores, std::int64_t length, std::int64_t padded) {
  for (std::int64_t t = length; t < padded; ++t) scores[t] = -std::numeric_limits<float>::infinity();
  Floats score, max;
  load_lanes(scores, max);
  for (std::int64_t t = float_lanes; t < padded; t += float_lanes) {
    load_lanes(scores + t, score);
    max = score > max ? score : max;
  }
  const float largest = lane_max(max);
  Floats sum = {}, weight;
  for (std::int64_t t = 0; t < padded; t += float_lanes) {
    load_lanes(scores + t, score);
    vector_exp(score - largest, weight);  // beyond the length: not quite 0
    sum += weight;
    store_lanes(weight, scores + t);
  }
  const float factor = 1 / lane_sum(sum);
  for (std::int64_t t = 0; t < padded; ++t) scores[t] = t < length ? scores[t] * factor : 0.0f;
}

}  // namespace rest
