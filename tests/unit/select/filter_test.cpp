#include "rest/select/filter.hpp"

#include <gtest/gtest.h>

#include "rest/core/error.hpp"

namespace rest {
namespace {

using Flags = std::vector<std::uint8_t>;

CandidateShard shard_of(std::size_t candidates) {
  CandidateShard shard;
  for (std::size_t i = 0; i < candidates; ++i) shard.tokens.push_back(std::vector<Token>{4});
  shard.origin.assign(candidates, static_cast<std::uint8_t>(Origin::sample));
  if (candidates > 0) shard.origin.back() = static_cast<std::uint8_t>(Origin::original);
  return shard;
}

TEST(ThresholdFilter, keeps_rewards_above_the_threshold_samples_and_originals_alike) {
  const std::vector<float> rewards = {0.1f, 0.9f, 0.5f, 0.2f};
  EXPECT_EQ(ThresholdFilter(0.4).keep(shard_of(4), rewards), (Flags{0, 1, 1, 0}));
}

TEST(ThresholdFilter, drops_a_reward_that_equals_the_threshold) {
  for (const double threshold : {0.0, 0.1, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0}) {
    const std::vector<float> rewards = {static_cast<float>(threshold)};
    EXPECT_EQ(ThresholdFilter(threshold).keep(shard_of(1), rewards), Flags{0}) << threshold;
  }
}

TEST(ThresholdFilter, below_zero_keeps_everything) {
  const std::vector<float> rewards = {0.0f, 1.0f};
  EXPECT_EQ(ThresholdFilter(-1.0).keep(shard_of(2), rewards), (Flags{1, 1}));
  EXPECT_EQ(ThresholdFilter(0.0).keep(shard_of(2), rewards), (Flags{0, 1}));
}

TEST(ThresholdFilter, refuses_rewards_of_another_number_of_candidates) {
  const std::vector<float> rewards = {0.0f};
  EXPECT_THROW(ThresholdFilter(0.5).keep(shard_of(2), rewards), Error);
}

TEST(ThresholdSchedule, skips_the_small_thresholds_when_there_are_fewer_steps) {
  const std::vector<double> paper = {0.0, 0.7, 0.8, 0.9, 0.95, 0.99};
  EXPECT_EQ(threshold_schedule(paper, 6), paper);
  EXPECT_EQ(threshold_schedule(paper, 4), (std::vector<double>{0.8, 0.9, 0.95, 0.99}));
  EXPECT_TRUE(threshold_schedule(paper, 0).empty());
}

TEST(ThresholdSchedule, refuses_more_steps_than_thresholds_and_thresholds_that_fall) {
  EXPECT_THROW(threshold_schedule({0.5}, 2), UsageError);
  EXPECT_THROW(threshold_schedule({0.5}, -1), UsageError);
  EXPECT_THROW(threshold_schedule({0.5, 0.4}, 1), UsageError);
}

}  // namespace
}  // namespace rest
