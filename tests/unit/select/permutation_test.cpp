#include "rest/select/permutation.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace rest {
namespace {

std::vector<std::uint64_t> positions(std::uint64_t size, std::uint64_t seed) {
  const Permutation permutation(size, Philox(Purpose::shuffle, seed));
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = 0; i < size; ++i) all.push_back(permutation(i));
  return all;
}

TEST(Permutation, hits_every_position_once) {
  for (const std::uint64_t size : {0, 1, 2, 3, 4, 5, 7, 16, 17, 64, 65, 1000, 4097}) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      std::vector<bool> seen(size);
      for (const std::uint64_t p : positions(size, seed)) {
        ASSERT_LT(p, size);
        EXPECT_FALSE(seen[p]) << size;
        seen[p] = true;
      }
    }
  }
}

TEST(Permutation, depends_on_the_key_and_on_nothing_else) {
  EXPECT_EQ(positions(1000, 1), positions(1000, 1));
  EXPECT_NE(positions(1000, 1), positions(1000, 2));
}

TEST(Permutation, reaches_sizes_beyond_32_bits) {
  const std::uint64_t size = (std::uint64_t{1} << 40) + 3;
  const Permutation permutation(size, Philox(Purpose::shuffle, 1));
  std::map<std::uint64_t, int> seen;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    EXPECT_LT(permutation(size - 1 - i), size);
    ++seen[permutation(size - 1 - i)];
  }
  EXPECT_EQ(seen.size(), 1000u);
}

TEST(Permutation, over_keys_sends_a_position_everywhere_equally_often) {
  // Chi-square over 16 cells, 15 degrees of freedom: above 37.7 once in 1000 such tests.
  constexpr std::uint64_t size = 16, keys = 4000;
  for (const std::uint64_t position : {0, 5, 15}) {
    std::vector<double> hits(size);
    for (std::uint64_t seed = 0; seed < keys; ++seed) {
      ++hits[Permutation(size, Philox(Purpose::shuffle, seed))(position)];
    }
    double chi_square = 0.0;
    for (const double n : hits) chi_square += (n - 250.0) * (n - 250.0) / 250.0;
    EXPECT_LT(chi_square, 37.7) << position;
  }
}

TEST(Permutation, of_three_takes_every_order) {
  std::map<std::vector<std::uint64_t>, int> orders;
  for (std::uint64_t seed = 0; seed < 600; ++seed) ++orders[positions(3, seed)];
  ASSERT_EQ(orders.size(), 6u);
  for (const auto& [order, times] : orders) EXPECT_GT(times, 50);
}

}  // namespace
}  // namespace rest
