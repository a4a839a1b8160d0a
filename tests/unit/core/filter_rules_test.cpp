#include "rest/core/filter_rules.hpp"

#include <gtest/gtest.h>

#include "rest/core/error.hpp"

namespace rest {
namespace {

std::string message_of(const std::string& filter, const std::vector<double>& thresholds) {
  try {
    require_thresholds(filter, thresholds);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(FilterRules, LetTheRightThresholdsPass) {
  EXPECT_EQ(message_of("threshold", {-1.0, 0.0, 0.7, 2.0}), "");
  EXPECT_EQ(message_of("percentile", {0.0, 0.9, 0.99}), "");
  EXPECT_EQ(message_of("interpolation", {0.0, 0.5, 1.0}), "");
  EXPECT_EQ(message_of("quantile", {0.5, 0.9}), "");
  EXPECT_EQ(message_of("top_k", {25, 4, 1}), "");
  EXPECT_EQ(message_of("top_k", {1}), "");
}

TEST(FilterRules, NameKeyAndReasonOfAValueOutOfRange) {
  EXPECT_EQ(message_of("percentile", {0.5, 1.0}),
            "improve.thresholds holds 1.0 (those of improve.filter = \"percentile\" must be at least 0 and below 1)");
  EXPECT_EQ(message_of("quantile", {-0.5}),
            "improve.thresholds holds -0.5 (those of improve.filter = \"quantile\" must be at least 0 and below 1)");
  EXPECT_EQ(message_of("interpolation", {0.5, 1.5}),
            "improve.thresholds holds 1.5 (those of improve.filter = \"interpolation\" must be from 0 to 1)");
  for (const double k : {0.0, -4.0, 2.5, 1e10}) {
    EXPECT_NE(message_of("top_k", {k}).find("must be whole numbers from 1"), std::string::npos) << k;
  }
}

TEST(FilterRules, NameKeyAndReasonOfTheWrongOrder) {
  for (const char* filter : {"threshold", "percentile", "interpolation", "quantile"}) {
    EXPECT_EQ(message_of(filter, {0.5, 0.25}),
              concat("improve.thresholds do not rise: 0.25 follows 0.5 (an Improve step keeps a part of what the one "
                     "before kept, and improve.filter = \"",
                     filter, "\" keeps less the larger its value)"));
    EXPECT_NE(message_of(filter, {0.5, 0.5}), "");
  }
  EXPECT_EQ(
      message_of("top_k", {4, 8}),
      "improve.thresholds do not fall: 8.0 follows 4.0 (an Improve step keeps a part of what the one before kept, "
      "and improve.filter = \"top_k\" keeps less the smaller its value)");
}

TEST(FilterRules, KnowTheFilters) {
  for (const char* filter : {"threshold", "percentile", "interpolation", "quantile", "top_k"}) {
    EXPECT_TRUE(is_filter(filter));
    EXPECT_NE(std::string(filter_words).find(filter), std::string::npos);
  }
  EXPECT_FALSE(is_filter("best"));
  EXPECT_NE(message_of("best", {0.5}).find("improve.filter = \"best\" is unknown"), std::string::npos);
}

}  // namespace
}  // namespace rest
