#include "rest/core/vector_math.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace rest {
namespace {

TEST(VectorExp, IsWithinTwoUnitsInTheLastPlace) {
  double worst = 0.0;
  for (int i = 0; i <= 870000; ++i) {
    const float x = -1e-4f * static_cast<float>(i);
    const double exact = std::exp(static_cast<double>(x));
    const float rounded = static_cast<float>(exact);
    const double unit = static_cast<double>(std::nextafter(rounded, 2.0f)) - static_cast<double>(rounded);
    worst = std::max(worst, std::abs(static_cast<double>(vector_exp(x)) - exact) / unit);
  }
  EXPECT_LE(worst, 2.0);
}

TEST(VectorExp, IsOneAtZeroAndAlmostNothingFarBelow) {
  EXPECT_EQ(vector_exp(0.0f), 1.0f);
  for (const float x : {-88.0f, -1e4f, -std::numeric_limits<float>::infinity()}) {
    EXPECT_GE(vector_exp(x), 0.0f);
    EXPECT_LT(vector_exp(x), 2e-38f);
  }
}

TEST(VectorExp, OfSixteenNumbersIsThatOfEach) {
  Floats x, y;
  for (int first = 0; first < 1600; first += 16) {
    for (int i = 0; i < 16; ++i) x[i] = -0.06f * static_cast<float>(first + i);
    vector_exp(x, y);
    for (int i = 0; i < 16; ++i) EXPECT_FLOAT_EQ(y[i], vector_exp(x[i]));
  }
}

TEST(Lanes, AreAddedUpAndCompared) {
  Floats x;
  for (int i = 0; i < 16; ++i) x[i] = static_cast<float>((7 * i) % 16);
  EXPECT_EQ(lane_sum(x), 120.0f);
  EXPECT_EQ(lane_max(x), 15.0f);
}

}  // namespace
}  // namespace rest
