#include "rest/core/philox.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>

namespace rest {
namespace {

using Block = Philox::Block;

/// Inverse of x ^ (x >> shift).
std::uint64_t unshift(std::uint64_t x, int shift) {
  std::uint64_t undone = x;
  for (int done = shift; done < 64; done += shift) undone = x ^ (undone >> shift);
  return undone;
}

/// Inverse of an odd number modulo 2^64 by Newton's iteration.
std::uint64_t inverse(std::uint64_t odd) {
  std::uint64_t result = odd;
  for (int i = 0; i < 6; ++i) result *= 2 - odd * result;
  return result;
}

std::uint64_t unmix64(std::uint64_t x) {
  x = unshift(x, 31) * inverse(0x94D049BB133111EBull);
  x = unshift(x, 27) * inverse(0xBF58476D1CE4E5B9ull);
  return unshift(x, 30) - 0x9E3779B97F4A7C15ull;
}

/// The generator with a given raw key: mix64 is a bijection, so some `b` leads there.
Philox with_key(std::uint64_t key) {
  const std::uint64_t before_b = mix64(mix64(mix64(static_cast<std::uint64_t>(Purpose::sample)) ^ 1) ^ 2);
  return Philox(Purpose::sample, 1, 2, before_b ^ unmix64(key));
}

// Known answers of the authors' Random123 (kat_vectors, philox4x32 10): counter, key, output.
TEST(Philox, GivesRandom123sKnownAnswers) {
  const Philox zero = with_key(0);
  ASSERT_EQ(zero.key(), 0u);
  EXPECT_EQ(zero(0, 0, 0, 0), (Block{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}));
  const Philox ones = with_key(~std::uint64_t{0});
  EXPECT_EQ(ones(0xffffffffu, 0xffffffffu, 0xffffffffu, 0xffffffffu),
            (Block{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}));
  const Philox pi = with_key(0x299f31d0a4093822ull);
  EXPECT_EQ(pi(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u),
            (Block{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}));
}

// From another implementation of both the key and the rounds: stored candidates depend on these numbers.
TEST(Philox, KeepsItsStreams) {
  const Philox stream(Purpose::sample, 1, 2, 3);
  EXPECT_EQ(stream.key(), 0x57f5666859b19686ull);
  EXPECT_EQ(stream(5, 6, 7, 8), (Block{0x62221adcu, 0xf12cd844u, 0x2331dc10u, 0x658b83ffu}));
}

TEST(Philox, EveryPartOfTheKeyMakesAnotherStream) {
  const std::set<std::uint64_t> keys = {Philox(Purpose::sample, 1, 2, 3).key(), Philox(Purpose::dropout, 1, 2, 3).key(),
                                        Philox(Purpose::sample, 2, 1, 3).key(), Philox(Purpose::sample, 1, 3, 2).key(),
                                        Philox(Purpose::sample, 1, 2, 4).key(), Philox(Purpose::sample, 1, 2).key()};
  EXPECT_EQ(keys.size(), 6u);
}

TEST(Philox, UniformsFillTheUnitInterval) {
  const Philox stream(Purpose::shuffle, 7);
  constexpr int draws = 64000, cells = 64;
  std::array<int, cells> counts{};
  for (std::uint32_t i = 0; i < draws; ++i) {
    const double u = stream.uniform(i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    ++counts[static_cast<std::size_t>(u * cells)];
  }
  double chi_square = 0.0;
  for (const int count : counts) chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  EXPECT_LT(chi_square, 103.4);  // 63 degrees of freedom: exceeded by a fair generator once in 1,000 keys
  EXPECT_GT(chi_square, 33.0);
}

TEST(Philox, UniformsHave53Bits) {
  const Philox stream(Purpose::sample, 1);
  const double scaled = stream.uniform(1, 2, 3, 4) * 0x1.0p53;
  EXPECT_EQ(static_cast<std::uint64_t>(scaled), stream.bits64(1, 2, 3, 4) >> 11);
}

}  // namespace
}  // namespace rest
