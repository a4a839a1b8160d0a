#include "rest/eval/bootstrap.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "rest/core/philox.hpp"
#include "rest/eval/evaluator.hpp"
#include "rest/eval/halves.hpp"

namespace rest {
namespace {

double normal(const Philox& draw, std::uint32_t i) {
  return std::sqrt(-2.0 * std::log(1.0 - draw.uniform(i, 0))) * std::cos(6.283185307179586 * draw.uniform(i, 1));
}

TEST(BootstrapTest, IntervalOfAMeanIsTheNormalOne) {
  const Philox draw(Purpose::split, 3);
  std::vector<double> values;
  for (std::uint32_t i = 0; i < 400; ++i) values.push_back(normal(draw, i));
  const Interval interval = bootstrap_mean(values, 2000, 1);
  double mean = 0.0, square = 0.0;
  for (const double value : values) mean += value / 400.0;
  for (const double value : values) square += (value - mean) * (value - mean) / 400.0;
  const double half = 1.96 * std::sqrt(square / 400.0);
  EXPECT_NEAR(interval.value, mean, 1e-12);
  EXPECT_NEAR(interval.low, mean - half, 0.15 * half);
  EXPECT_NEAR(interval.high, mean + half, 0.15 * half);
}

TEST(BootstrapTest, APairedDifferenceIsSeenWhereTheUnpairedIsNot) {
  const Philox draw(Purpose::split, 4);
  std::vector<double> difference;
  for (std::uint32_t i = 0; i < 300; ++i) difference.push_back(0.2 + normal(draw, i));
  const auto mean = [&](Span<const std::size_t> chosen) {
    double total = 0.0;
    for (const std::size_t i : chosen) total += difference[i];
    return total / static_cast<double>(chosen.size());
  };
  const PairedDifference paired = paired_bootstrap(300, 1000, 1, mean);
  EXPECT_LT(paired.p_value, 0.05);
  EXPECT_GT(paired.difference.low, 0.0);
}

TEST(BootstrapTest, RejectsNoDifferenceAtItsErrorRate) {
  // 200 experiments without a difference at level 0.05: more than 22 rejections have probability below 1e-3.
  int rejected = 0;
  for (std::uint64_t experiment = 0; experiment < 200; ++experiment) {
    const Philox draw(Purpose::split, 5, experiment);
    std::vector<double> values;
    for (std::uint32_t i = 0; i < 100; ++i) values.push_back(normal(draw, i));
    const auto mean = [&](Span<const std::size_t> chosen) {
      double total = 0.0;
      for (const std::size_t i : chosen) total += values[i];
      return total;
    };
    rejected += paired_bootstrap(100, 400, experiment, mean).p_value < 0.05;
  }
  EXPECT_LE(rejected, 22);
  EXPECT_GE(rejected, 2);
}

TEST(HalvesTest, CutValidationInTwo) {
  for (const std::size_t size : {std::size_t{1}, std::size_t{2}, std::size_t{1014}, std::size_t{7}}) {
    const auto select = validation_half(size, Half::select), report = validation_half(size, Half::report);
    std::set<std::size_t> all(select.begin(), select.end());
    all.insert(report.begin(), report.end());
    EXPECT_EQ(all.size(), size);
    EXPECT_EQ(select.size() + report.size(), size);
    EXPECT_LE(select.size() - report.size(), 1u);
  }
}

TEST(DistinctTest, CountsNGrams) {
  EXPECT_DOUBLE_EQ(distinct_n({"a b a", "b a"}, 1), 2.0 / 5.0);
  EXPECT_DOUBLE_EQ(distinct_n({"a b a", "b a"}, 2), 2.0 / 3.0);
  EXPECT_DOUBLE_EQ(distinct_n({"a"}, 2), 0.0);
}

TEST(bootstrap, of_several_series_is_that_of_each) {
  const std::vector<std::vector<double>> series{{0.1, 0.9, 0.4, 0.7}, {5.0, -1.0, 2.0, 8.0}};
  const auto means = bootstrap_means(series, 200, 4);
  ASSERT_EQ(means.size(), 2u);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const Interval alone = bootstrap_mean(series[i], 200, 4);
    EXPECT_EQ(means[i].value, alone.value);
    EXPECT_EQ(means[i].low, alone.low);
    EXPECT_EQ(means[i].high, alone.high);
  }
  EXPECT_TRUE(bootstrap_means({}, 200, 4).empty());
}

}  // namespace
}  // namespace rest
