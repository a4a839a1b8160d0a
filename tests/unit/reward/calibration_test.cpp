#include "rest/reward/calibration.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "rest/core/error.hpp"

namespace rest {
namespace {

struct Ratings {
  std::vector<double> predicted, rated;
};

/// Ratings that go with predictions, with noise; ties in both.
Ratings noisy(int count, double noise) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Ratings all;
  for (int i = 0; i < count; ++i) {
    const double truth = uniform(generator);
    all.predicted.push_back(std::round(50.0 * (0.2 + 0.5 * truth)) / 50.0);
    all.rated.push_back(std::clamp(truth + noise * (uniform(generator) - 0.5), 0.0, 1.0));
  }
  return all;
}

void expect_strictly_rising(const Calibration& calibration) {
  double before = calibration(0.0);
  EXPECT_EQ(before, 0.0);
  for (int i = 1; i <= 1000; ++i) {
    const double value = calibration(i / 1000.0);
    EXPECT_GT(value, before) << i;
    before = value;
  }
  EXPECT_EQ(before, 1.0);
}

TEST(CalibrationTest, Rises) {
  for (const double noise : {0.0, 0.5, 3.0}) {
    const Ratings all = noisy(500, noise);
    expect_strictly_rising(Calibration::by_rating(all.predicted, all.rated));
    expect_strictly_rising(Calibration::by_quantile(all.predicted));
  }
  const Ratings all = noisy(60, 0.2);  // rated the other way round
  std::vector<double> against;
  for (const double value : all.rated) against.push_back(1.0 - value);
  expect_strictly_rising(Calibration::by_rating(all.predicted, against));
}

TEST(CalibrationTest, ByRatingSaysWhatPeopleSay) {
  const Ratings all = noisy(20000, 0.3);
  const Calibration calibration = Calibration::by_rating(all.predicted, all.rated);
  // prediction = 0.2 + 0.5 truth, and the clamps of the noise cancel in the middle.
  for (const double truth : {0.25, 0.4, 0.5, 0.6, 0.75}) EXPECT_NEAR(calibration(0.2 + 0.5 * truth), truth, 0.02);
}

TEST(CalibrationTest, ByRatingPoolsNeighboursThatFall) {
  const std::vector<double> predicted{0.1, 0.2, 0.3, 0.4}, rated{0.2, 0.6, 0.4, 0.8};
  const Calibration calibration = Calibration::by_rating(predicted, rated);
  EXPECT_NEAR(calibration(0.1), 0.2, 1e-12);
  EXPECT_NEAR(calibration(0.25), 0.5, 1e-12);  // 0.2 and 0.3 as one
  EXPECT_NEAR(calibration(0.4), 0.8, 1e-12);
}

TEST(CalibrationTest, ByQuantileKeepsShares) {
  const Ratings all = noisy(5000, 0.0);
  std::vector<double> distinct;
  for (std::size_t i = 0; i < all.predicted.size(); ++i)
    distinct.push_back(all.predicted[i] + 1e-7 * static_cast<double>(i));
  const Calibration calibration = Calibration::by_quantile(distinct);
  for (const double threshold : {0.7, 0.8, 0.9, 0.95, 0.99}) {
    const auto above =
        std::count_if(distinct.begin(), distinct.end(), [&](double value) { return calibration(value) > threshold; });
    EXPECT_NEAR(static_cast<double>(above) / 5000.0, 1.0 - threshold, 0.006) << threshold;
  }
}

TEST(CalibrationTest, IsReadBack) {
  const Ratings all = noisy(300, 0.4);
  const Calibration calibration = Calibration::by_rating(all.predicted, all.rated),
                    again = Calibration::from_json(nlohmann::json::parse(calibration.to_json().dump()));
  for (int i = 0; i <= 100; ++i) EXPECT_EQ(again(i / 100.0), calibration(i / 100.0));
  EXPECT_THROW(Calibration::from_json({{"from", 3}}), Error);
}

TEST(CalibrationTest, NeedsPredictionsThatDiffer) {
  const std::vector<double> same(10, 0.5), none;
  EXPECT_THROW(Calibration::by_rating(same, same), Error);
  EXPECT_THROW(Calibration::by_quantile(same), Error);
  EXPECT_THROW(Calibration::by_quantile(none), Error);
}

}  // namespace
}  // namespace rest
