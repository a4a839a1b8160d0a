#include "rest/eval/best_of_n.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "rest/core/error.hpp"
#include "rest/core/philox.hpp"

namespace rest {
namespace {

/// Each sample as an entry of its own.
std::vector<DrawnScores> one_by_one(const std::vector<DrawnScores>& drawn) {
  std::vector<DrawnScores> samples;
  for (const DrawnScores& candidate : drawn) {
    for (std::uint32_t i = 0; i < candidate.count; ++i) samples.push_back({candidate.reward, candidate.score, 1});
  }
  return samples;
}

/// Best reward of the samples of `subset` (a bit a sample) and the mean score of those that have it.
std::pair<double, double> best_of(const std::vector<DrawnScores>& samples, std::uint32_t subset) {
  double reward = -1.0, score = 0.0, ties = 0.0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    if ((subset >> i & 1u) == 0) continue;
    if (samples[i].reward > reward) reward = samples[i].reward, score = 0.0, ties = 0.0;
    if (samples[i].reward == reward) score += samples[i].score, ties += 1.0;
  }
  return {reward, score / ties};
}

void expect_enumeration(const std::vector<DrawnScores>& drawn) {
  const auto samples = one_by_one(drawn);
  const BestOfCurve curve = best_of_curve(drawn, 1000);
  ASSERT_EQ(curve.reward.size(), samples.size());
  std::vector<double> reward(samples.size(), 0.0), score(samples.size(), 0.0), subsets(samples.size(), 0.0);
  for (std::uint32_t subset = 1; subset < 1u << samples.size(); ++subset) {
    const auto n = static_cast<std::size_t>(__builtin_popcount(subset)) - 1;
    const auto [best, its_score] = best_of(samples, subset);
    reward[n] += best, score[n] += its_score, subsets[n] += 1.0;
  }
  for (std::size_t n = 0; n < samples.size(); ++n) {
    EXPECT_NEAR(curve.reward[n], reward[n] / subsets[n], 1e-13) << "N = " << n + 1;
    EXPECT_NEAR(curve.score[n], score[n] / subsets[n], 1e-11) << "N = " << n + 1;
  }
}

TEST(best_of_n, is_the_mean_over_all_subsets) {
  expect_enumeration({{0.5, 10.0, 1}});
  expect_enumeration({{0.5, 10.0, 4}});
  expect_enumeration({{0.3, 1.0, 1}, {0.9, 50.0, 2}, {0.1, 70.0, 3}, {0.7, 20.0, 1}});
  // Equal rewards of different scores, at the top and below it.
  expect_enumeration({{0.9, 1.0, 2}, {0.9, 40.0, 3}, {0.2, 5.0, 1}, {0.2, 90.0, 4}, {0.0, 3.0, 2}});
  const Philox draw(Purpose::split, 9);
  for (std::uint32_t c = 0; c < 20; ++c) {
    std::vector<DrawnScores> drawn;
    for (std::uint32_t i = 0; i < 5; ++i) {
      drawn.push_back({std::floor(draw.uniform(c, i) * 4.0) / 4.0, 100.0 * draw.uniform(c, i, 1),
                       static_cast<std::uint32_t>(draw.uniform(c, i, 2) * 4.0)});
    }
    drawn.push_back({0.5, 50.0, 1});
    expect_enumeration(drawn);
  }
}

TEST(best_of_n, agrees_with_random_subsets_of_200_samples) {
  const Philox draw(Purpose::split, 10);
  std::vector<DrawnScores> drawn;
  for (std::uint32_t i = 0; i < 80; ++i) drawn.push_back({draw.uniform(i), 100.0 * draw.uniform(i, 1), 1 + i % 4});
  const auto samples = one_by_one(drawn);
  ASSERT_EQ(samples.size(), 200u);
  const BestOfCurve curve = best_of_curve(drawn, 200);
  constexpr std::uint32_t rounds = 20000;
  for (const std::size_t n : {1, 2, 10, 50, 120}) {
    std::vector<std::size_t> order(samples.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    double sum = 0.0, squares = 0.0;
    for (std::uint32_t round = 0; round < rounds; ++round) {
      double best = 0.0;
      for (std::size_t i = 0; i < n; ++i) {  // the first n of a Fisher-Yates shuffle
        const double u = draw.uniform(static_cast<std::uint32_t>(n), round, static_cast<std::uint32_t>(i), 7);
        std::swap(order[i], order[i + static_cast<std::size_t>(u * static_cast<double>(order.size() - i))]);
        best = std::max(best, samples[order[i]].reward);
      }
      sum += best, squares += best * best;
    }
    const double mean = sum / rounds, error = std::sqrt((squares / rounds - mean * mean) / rounds);
    // A right curve lies beyond 5 standard errors for one key of the draws in 1.7 million; the key is fixed.
    EXPECT_NEAR(curve.reward[n - 1], mean, 5.0 * error) << "N = " << n;
  }
}

TEST(best_of_n, runs_from_the_mean_to_the_maximum_without_losing_digits) {
  std::vector<DrawnScores> drawn;
  double sum = 0.0;
  for (std::uint32_t i = 0; i < 100000; ++i) drawn.push_back({i / 100000.0, 0.0, 1}), sum += i / 100000.0;
  const BestOfCurve curve = best_of_curve(drawn, 3);
  ASSERT_EQ(curve.reward.size(), 3u);
  EXPECT_NEAR(curve.reward[0], sum / 100000.0, 1e-12);
  // Of M values 0 ... M - 1 the largest of n has mean n (M + 1) / (n + 1) - 1.
  EXPECT_NEAR(curve.reward[2], (3.0 * 100001.0 / 4.0 - 1.0) / 100000.0, 1e-12);
  drawn.resize(200);
  const BestOfCurve all = best_of_curve(drawn, 200);
  EXPECT_EQ(all.reward.back(), 199 / 100000.0);
  for (std::size_t n = 1; n < 200; ++n) EXPECT_GT(all.reward[n], all.reward[n - 1]);
}

TEST(best_of_n, needs_a_sample) {
  EXPECT_THROW(best_of_curve({}, 10), Error);
  EXPECT_THROW(best_of_curve({{0.5, 1.0, 0}}, 10), Error);
}

TEST(best_of_n, reads_a_list) {
  EXPECT_EQ(parse_best_of("1,2,5", 200), (std::vector<std::int64_t>{1, 2, 5}));
  EXPECT_EQ(parse_best_of("200,7,7", 200), (std::vector<std::int64_t>{7, 200}));
  for (const char* wrong : {"", "1,", ",1", "0", "201", "-3", "2x", "1 2", "1.5", "99999999999999999999"}) {
    EXPECT_THROW(parse_best_of(wrong, 200), UsageError) << wrong;
  }
}

}  // namespace
}  // namespace rest
