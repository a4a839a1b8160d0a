#include "rest/select/streaming_quantile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "rest/core/error.hpp"

namespace rest {
namespace {

using Counted = std::vector<std::pair<float, std::uint32_t>>;

void add(StreamingQuantile& quantile, const Counted& counted) {
  std::vector<float> values;
  std::vector<std::uint32_t> counts;
  for (const auto& [value, count] : counted) values.push_back(value), counts.push_back(count);
  quantile.add(values, counts);
}

std::optional<float> streamed(double q, const Counted& values) {
  StreamingQuantile quantile(q);
  const auto half = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  for (int pass = 0; pass < 2; ++pass) {
    if (pass == 1) quantile.look_closer();
    add(quantile, {values.begin(), half});
    add(quantile, {half, values.end()});
  }
  return quantile.value();
}

/// By sorting; the share reached is the quotient of counts.
float sorted(double q, Counted values) {
  std::sort(values.begin(), values.end());
  double total = 0.0, reached = 0.0;
  for (const auto& value : values) total += value.second;
  for (const auto& [value, count] : values) {
    reached += count;
    if (count > 0 && reached / total > q) return value;
  }
  return values.back().first;
}

TEST(StreamingQuantile, is_what_sorting_says) {
  const float special[] = {0.0f,
                           -0.0f,
                           1.0f,
                           std::numeric_limits<float>::denorm_min(),
                           -1.0f,
                           0.5f,
                           std::nextafter(0.5f, 1.0f),
                           std::numeric_limits<float>::infinity()};
  for (std::uint32_t seed = 0; seed < 4; ++seed) {
    std::mt19937 generator(seed);
    const auto draw = [&] { return static_cast<std::uint32_t>(generator()); };
    Counted values;
    for (int i = 0; i < 100000; ++i) {
      const std::uint32_t kind = draw() % 4;
      float value = static_cast<float>(draw()) * 0x1p-32f;
      if (kind == 0) value = special[draw() % std::size(special)];
      if (kind == 1) value = static_cast<float>(draw() % 21) / 20.0f;
      if (kind == 2 && seed % 2 == 0) value = -value;
      values.emplace_back(value, draw() % 5);
    }
    for (const double q : {0.0, 1e-9, 0.01, 0.07, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999999}) {
      EXPECT_EQ(streamed(q, values), sorted(q, values)) << "q " << q << " seed " << seed;
    }
  }
}

TEST(StreamingQuantile, rounds_no_decimal_share_away) {
  for (std::uint32_t n = 0; n < 100; ++n) {  // of 1 ... 100 just n values are at most n
    Counted values;
    for (std::uint32_t i = 1; i <= 100; ++i) values.emplace_back(static_cast<float>(i), 1);
    EXPECT_EQ(streamed(n / 100.0, values), static_cast<float>(n + 1)) << n;
  }
}

TEST(StreamingQuantile, of_one_value_and_of_none) {
  for (const double q : {0.0, 0.5, 0.99}) {
    EXPECT_EQ(streamed(q, {{0.3f, 1}}), 0.3f);
    EXPECT_EQ(streamed(q, {{0.3f, 7}, {0.9f, 0}, {0.1f, 0}}), 0.3f);
    EXPECT_EQ(streamed(q, {}), std::nullopt);
    EXPECT_EQ(streamed(q, {{0.3f, 0}}), std::nullopt);
  }
}

TEST(StreamingQuantile, takes_minus_zero_for_zero) {
  EXPECT_EQ(streamed(0.5, {{0.0f, 1}, {-0.0f, 1}, {1.0f, 1}}), 0.0f);
  EXPECT_EQ(streamed(0.4, {{-0.0f, 1}, {0.0f, 1}, {-1.0f, 1}}), 0.0f);
  EXPECT_FALSE(std::signbit(*streamed(0.0, {{-0.0f, 1}})));
}

TEST(StreamingQuantile, holds_counts_beyond_32_bits) {
  StreamingQuantile quantile(0.5);
  const auto pass = [&] {
    const std::uint32_t most = 0xFFFFFFFFu;
    add(quantile, {{0.1f, most}, {0.1f, most}, {0.1f, most}, {0.2f, most}, {0.2f, most}, {0.2f, most}, {0.2f, 2}});
  };
  pass();
  quantile.look_closer();
  pass();
  EXPECT_EQ(quantile.value(), 0.2f);
}

TEST(StreamingQuantile, refuses_what_is_no_number_and_a_second_pass_of_other_values) {
  StreamingQuantile quantile(0.5);
  EXPECT_THROW(add(quantile, {{std::nanf(""), 1}}), Error);
  add(quantile, {{0.5f, 2}});
  EXPECT_THROW(quantile.value(), Error);
  quantile.look_closer();
  add(quantile, {{0.5f, 1}});
  EXPECT_THROW(quantile.value(), Error);
}

}  // namespace
}  // namespace rest
