#include "rest/core/correlation.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "rest/core/philox.hpp"

namespace rest {
namespace {

using Values = std::vector<double>;

/// Tau-b by its definition, over all pairs.
double plain_tau_b(const Values& x, const Values& y) {
  double sum = 0.0, ordered_x = 0.0, ordered_y = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const auto sign = [](double v) { return v > 0.0 ? 1.0 : v < 0.0 ? -1.0 : 0.0; };
      const double a = sign(x[i] - x[j]), b = sign(y[i] - y[j]);
      sum += a * b;
      ordered_x += a * a;
      ordered_y += b * b;
    }
  }
  return sum / std::sqrt(ordered_x * ordered_y);
}

/// Two columns that go together, in `steps` steps so that many are equal.
std::pair<Values, Values> columns(std::size_t count, double steps, std::uint64_t seed) {
  const Philox draw(Purpose::split, seed);
  Values x, y;
  for (std::uint32_t i = 0; i < count; ++i) {
    x.push_back(std::floor(steps * draw.uniform(i)));
    y.push_back(std::floor(0.5 * x.back() + 0.5 * steps * draw.uniform(i, 1)));
  }
  return {x, y};
}

TEST(CorrelationTest, KnownValues) {
  // The example of scipy.stats.kendalltau; the others by their definitions, in Python.
  const Values x{12, 2, 1, 12, 2}, y{1, 4, 7, 1, 0};
  EXPECT_NEAR(pearson(x, y), -0.5566399985665696, 1e-12);
  EXPECT_NEAR(spearman(x, y), -0.5407380704358752, 1e-12);
  EXPECT_NEAR(kendall_tau_b(x, y), -0.47140452079103173, 1e-12);
}

TEST(CorrelationTest, OrderAlone) {
  const Values x{1, 2, 3, 4}, y{1, 8, 27, 64}, down{4, 3, 2, 1};
  EXPECT_DOUBLE_EQ(spearman(x, y), 1.0);
  EXPECT_DOUBLE_EQ(kendall_tau_b(x, y), 1.0);
  EXPECT_LT(pearson(x, y), 1.0);
  EXPECT_DOUBLE_EQ(kendall_tau_b(x, down), -1.0);
  EXPECT_DOUBLE_EQ(pearson(x, down), -1.0);
}

TEST(CorrelationTest, FastTauIsTheDefinitions) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const auto [x, y] = columns(2 + 7 * seed, seed % 3 == 0 ? 4.0 : 50.0, seed);
    const double expected = plain_tau_b(x, y), tau = kendall_tau_b(x, y);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(tau));
    } else {
      EXPECT_NEAR(tau, expected, 1e-12) << "seed " << seed;
    }
  }
}

TEST(CorrelationTest, UndefinedWhereNothingVaries) {
  for (const auto statistic : {pearson, spearman, kendall_tau_b}) {
    EXPECT_TRUE(std::isnan(statistic(Values{1, 1, 1}, Values{1, 2, 3})));
    EXPECT_TRUE(std::isnan(statistic(Values{1, 2, 3}, Values{2, 2, 2})));
    EXPECT_TRUE(std::isnan(statistic(Values{1}, Values{1})));
    EXPECT_TRUE(std::isnan(statistic(Values{}, Values{})));
  }
}

TEST(CorrelationTest, PairsThatAreApart) {
  const Values x{0, 10, 10, 25}, y{1, 3, 2, 3};
  PairCount all = count_ordered_pairs(x, y, 0.0);
  EXPECT_EQ(all.pairs, 5.0);  // the two of 10 have no order
  EXPECT_EQ(all.agreeing, 4.5);
  EXPECT_EQ(count_ordered_pairs(x, y, 11.0).pairs, 3.0);
  EXPECT_EQ(count_ordered_pairs(x, y, 15.0).agreeing, 2.5);
  all += count_ordered_pairs(Values{1, 2}, Values{2, 1}, 0.0);
  EXPECT_EQ(all.pairs, 6.0);
  EXPECT_EQ(all.agreeing, 4.5);
}

}  // namespace
}  // namespace rest
