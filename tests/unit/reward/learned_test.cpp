#include "rest/reward/learned.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "rest/core/error.hpp"
#include "reward/learned_figures.hpp"

namespace rest {
namespace {

TEST(OpinionsTest, AreMeanAndStandardDeviation) {
  const std::vector<Opinion> three = opinions_of({{0.1, 0.5}, {0.3, 0.5}, {0.5, 0.5}});
  EXPECT_NEAR(three[0].mean, 0.3, 1e-12);
  EXPECT_NEAR(three[0].spread, 0.2, 1e-12);
  EXPECT_EQ(three[1].spread, 0.0);
  EXPECT_EQ((Opinion{0.0, 1.0}).probability(), 0.5);
  EXPECT_NEAR((Opinion{std::log(3.0), 1.0}).probability(), 0.75, 1e-12);
  EXPECT_LT((Opinion{0.0, 1.0}).probability(2.0), 0.5);
  EXPECT_EQ(opinions_of({{0.25}})[0].spread, 0.0) << "of one member";
}

TEST(LearnedFiguresTest, AurocIsTheShareOfPairsInOrder) {
  const auto of = [](const std::vector<double>& spreads) {
    std::vector<Opinion> opinions;
    for (const double spread : spreads) opinions.push_back({0.5, spread});
    return opinions;
  };
  EXPECT_EQ(auroc_of_spread(of({3, 4}), of({1, 2})), 1.0);
  EXPECT_EQ(auroc_of_spread(of({1, 2}), of({3, 4})), 0.0);
  EXPECT_DOUBLE_EQ(auroc_of_spread(of({1, 3}), of({2, 3})), (0.0 + 0.0 + 1.0 + 0.5) / 4.0);
}

TEST(LearnedFiguresTest, SharesAreThoseAbovePaperThresholds) {
  std::vector<double> predicted;
  for (int i = 0; i < 1000; ++i) predicted.push_back((i + 0.5) / 1000.0);
  const auto shares = shares_above(predicted, Calibration::by_quantile(predicted));
  ASSERT_EQ(shares.size(), 6u);
  const double expected[] = {1.0, 0.3, 0.2, 0.1, 0.05, 0.01};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(shares[i], expected[i], 0.006) << i;
}

TEST(LearnedRewardTest, OneThatIsNotThereIsNamed) { EXPECT_THROW(LearnedReward("nowhere", "mine", {}), Error); }

}  // namespace
}  // namespace rest
