#include "rest/grow/step_cost.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "rest/core/philox.hpp"
#include "support/temporary_directory.hpp"

namespace rest {
namespace {

TEST(step_cost, ratio_of_batches_that_agree_is_certain) {
  const Estimate estimate = ratio_over_batches({2.0, 4.0, 6.0}, {1.0, 2.0, 3.0});
  EXPECT_DOUBLE_EQ(estimate.value, 2.0);
  EXPECT_DOUBLE_EQ(estimate.low, 2.0);
  EXPECT_DOUBLE_EQ(estimate.high, 2.0);
}

TEST(step_cost, interval_of_equal_batches_is_that_of_their_mean) {
  // Mean 3, standard deviation sqrt(5 / 3); half width 3.182 * sqrt(5 / 3 / 4).
  const Estimate estimate = ratio_over_batches({1.5, 2.5, 3.5, 4.5}, {1.0, 1.0, 1.0, 1.0});
  EXPECT_DOUBLE_EQ(estimate.value, 3.0);
  EXPECT_NEAR(estimate.high - 3.0, 3.182 * std::sqrt(5.0 / 12.0), 1e-12);
  EXPECT_NEAR(3.0 - estimate.low, 3.182 * std::sqrt(5.0 / 12.0), 1e-12);
  EXPECT_EQ((estimate * 2.0).value, 6.0);
}

TEST(step_cost, one_batch_tells_nothing_of_the_spread) {
  const Estimate estimate = ratio_over_batches({3.0}, {2.0});
  EXPECT_EQ(estimate.value, 1.5);
  EXPECT_EQ(estimate.low, 0.0);
  EXPECT_TRUE(std::isinf(estimate.high));
}

TEST(step_cost, interval_holds_the_truth_19_times_in_20) {
  const Philox draw(Purpose::split, 6);
  constexpr std::uint32_t rounds = 4000;
  double held = 0.0;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    std::vector<double> above, below;
    for (std::uint32_t i = 0; i < 6; ++i) {
      double noise = -6.0;  // of variance 1, nearly normal
      for (std::uint32_t j = 0; j < 12; ++j) noise += draw.uniform(round, i, j);
      below.push_back(60.0 + 10.0 * draw.uniform(round, i, 99));
      above.push_back(below.back() * 0.25 * (1.0 + 0.1 * noise));
    }
    const Estimate estimate = ratio_over_batches(above, below);
    held += estimate.low <= 0.25 && 0.25 <= estimate.high ? 1.0 : 0.0;
  }
  // The standard error of the share is 0.0034.
  EXPECT_NEAR(held / rounds, 0.95, 0.015);
}

/// A shard as a policy might sample: 10 candidates a source, pieces and log-probabilities without pattern.
CandidateShard shard_of(std::uint32_t sources) {
  const Philox draw(Purpose::split, 7);
  CandidateShard shard;
  for (std::uint32_t i = 0; i < sources; ++i) {
    shard.candidates_per_source.push_back(10);
    for (std::uint32_t j = 0; j < 10; ++j) {
      std::vector<Token> tokens;
      for (std::uint32_t k = 0; k < 5 + (i + j) % 10; ++k) {
        tokens.push_back(static_cast<Token>(draw.uniform(i, j, k) * 8000.0));
      }
      shard.tokens.push_back(tokens);
      shard.log_prob.push_back(static_cast<float>(-30.0 * draw.uniform(i, j, 100)));
      shard.sampling_log_prob.push_back(static_cast<float>(-20.0 * draw.uniform(i, j, 101)));
      shard.count.push_back(1 + j % 3);
      shard.finished.push_back(1);
      shard.origin.push_back(static_cast<std::uint8_t>(j == 9 ? Origin::original : Origin::sample));
    }
  }
  return shard;
}

ShardAttributes attributes() { return {8000, "tokenizer", "policy", "corpus", {{"temperature", 0.8}}}; }

TEST(step_cost, disk_of_a_shard_foretells_that_of_another) {
  const DiskCost small = measure_disk(shard_of(100), attributes()), large = measure_disk(shard_of(400), attributes());
  EXPECT_EQ(small.rows, 1000.0);
  EXPECT_EQ(small.samples, 100.0 * (1 + 2 + 3) * 3);  // the original, of count 1, is no sample
  const double foretold = small.bytes_per_shard + small.bytes_per_sample * large.samples;
  EXPECT_NEAR(foretold, large.bytes + large.reward_bytes, 0.05 * foretold);
  EXPECT_GT(small.bytes_per_shard, 1000.0);
  EXPECT_LT(large.bytes + large.reward_bytes, 1.1 * large.plain_bytes);
  EXPECT_GT(large.bytes + large.reward_bytes, 0.5 * large.plain_bytes) << "random values do not deflate so far";
}

TEST(step_cost, leaves_nothing_on_disk) {
  const TemporaryDirectory here;
  const char* const before = std::getenv("TMPDIR");
  const std::string kept = before ? before : "";
  setenv("TMPDIR", here.path().c_str(), 1);
  measure_disk(shard_of(3), attributes());
  before ? setenv("TMPDIR", kept.c_str(), 1) : unsetenv("TMPDIR");
  EXPECT_TRUE(std::filesystem::is_empty(here.path()));
}

}  // namespace
}  // namespace rest
