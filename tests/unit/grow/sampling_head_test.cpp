#include "rest/grow/sampling_head.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "rest/core/error.hpp"
#include "rest/core/philox.hpp"

namespace rest {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

torch::Tensor logits_of(std::int64_t rows, std::int64_t vocabulary, torch::ScalarType type = torch::kFloat64) {
  torch::manual_seed(5);
  return (torch::randn({rows, vocabulary}, torch::kFloat64) * 2.5).to(type);
}

/// The distribution drawn from, computed the plain way: [vocabulary], by sorting the whole row.
std::vector<double> naive_distribution(const torch::Tensor& row, const SamplingOptions& options) {
  const torch::Tensor wide = row.to(torch::kFloat64);
  const torch::Tensor softmax = torch::softmax(wide / options.temperature, 0);
  std::vector<double> p(softmax.data_ptr<double>(), softmax.data_ptr<double>() + softmax.numel());
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return wide.data_ptr<double>()[a] > wide.data_ptr<double>()[b];
  });
  const auto normalise = [&] {
    const double sum = std::accumulate(p.begin(), p.end(), 0.0);
    for (double& value : p) value /= sum;
  };
  if (options.top_k > 0) {
    for (std::size_t i = static_cast<std::size_t>(options.top_k); i < order.size(); ++i) p[order[i]] = 0.0;
    normalise();
  }
  if (options.top_p < 1.0) {
    double before = 0.0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const double own = p[order[i]];
      if (i > 0 && before >= options.top_p) p[order[i]] = 0.0;
      before += own;
    }
    normalise();
  }
  for (std::size_t i = 1; i < order.size(); ++i) {
    if (p[order[i]] < options.epsilon) p[order[i]] = 0.0;
  }
  normalise();
  return p;
}

/// Upper tail of chi-square by the Wilson-Hilferty approximation: the z value.
double chi_square_z(double statistic, double degrees) {
  const double spread = 2.0 / (9.0 * degrees);
  return (std::cbrt(statistic / degrees) - (1.0 - spread)) / std::sqrt(spread);
}

// Seven cases, each false with probability 1e-4 (z = 3.72) were the seed not fixed.
TEST(sampling_head, frequencies_are_those_of_the_distribution_by_chi_square) {
  const std::vector<SamplingOptions> cases = {{1.0, 0, 1.0, 0.0},  {0.8, 0, 1.0, 0.0}, {1.7, 0, 1.0, 0.0},
                                              {0.8, 9, 1.0, 0.0},  {1.0, 0, 0.9, 0.0}, {1.0, 0, 1.0, 0.01},
                                              {0.9, 40, 0.8, 0.02}};
  constexpr std::int64_t draws = 200000, vocabulary = 301;
  const torch::Tensor logits = logits_of(3, vocabulary, torch::kFloat32);
  for (const auto& options : cases) {
    SamplingHead head(options, vocabulary);
    head.prepare(logits);
    const auto expected = naive_distribution(logits[1], options);
    std::vector<double> seen(expected.size(), 0.0);
    const Philox uniforms(Purpose::sample, 1);
    for (std::int64_t i = 0; i < draws; ++i) {
      seen[static_cast<std::size_t>(head.draw(1, uniforms.uniform(static_cast<std::uint32_t>(i))))] += 1.0;
    }
    double statistic = 0.0, degrees = -1.0, rare_seen = 0.0, rare_expected = 0.0;
    for (std::size_t v = 0; v < expected.size(); ++v) {
      const double mean = expected[v] * draws;
      if (expected[v] == 0.0) {
        EXPECT_EQ(seen[v], 0.0) << "cut token " << v << " was drawn";
      } else if (mean < 8.0) {
        rare_seen += seen[v], rare_expected += mean;
      } else {
        statistic += (seen[v] - mean) * (seen[v] - mean) / mean, degrees += 1.0;
      }
    }
    if (rare_expected > 0.0) {
      statistic += (rare_seen - rare_expected) * (rare_seen - rare_expected) / rare_expected, degrees += 1.0;
    }
    EXPECT_LT(chi_square_z(statistic, degrees), 3.72) << "T " << options.temperature << " k " << options.top_k;
  }
}

TEST(sampling_head, sampling_log_prob_is_that_of_the_naive_reference_whatever_is_cut) {
  const std::vector<SamplingOptions> cases = {{0.8, 0, 1.0, 0.0},  {1.0, 5, 1.0, 0.0},   {0.7, 0, 0.9, 0.0},
                                              {1.3, 0, 0.01, 0.0}, {1.0, 0, 1.0, 0.004}, {0.8, 50, 0.95, 0.01},
                                              {1.0, 1, 1.0, 0.0},  {1.0, 0, 1.0, 0.999}};
  for (const std::int64_t vocabulary : {1, 5, 127, 128, 129, 1000}) {
    const torch::Tensor logits = logits_of(2, vocabulary);
    for (const auto& options : cases) {
      SamplingHead head(options, vocabulary);
      head.prepare(logits);
      for (std::int64_t row = 0; row < 2; ++row) {
        const auto expected = naive_distribution(logits[row], options);
        // What is cut must agree; the kept ones are normalised by what is left.
        for (std::int64_t v = 0; v < vocabulary; ++v) {
          const double p = expected[static_cast<std::size_t>(v)], q = head.sampling_log_prob(row, v);
          if (p == 0.0) {
            EXPECT_EQ(q, minus_infinity);
          } else {
            EXPECT_NEAR(q, std::log(p), 1e-10);
          }
        }
      }
    }
  }
}

TEST(sampling_head, ties_at_the_cut_go_to_the_lower_token) {
  const torch::Tensor logits = torch::tensor({{1.0, 2.0, 2.0, 2.0, 0.0}}, torch::kFloat64);
  SamplingHead head({1.0, 2, 1.0, 0.0}, 5);
  head.prepare(logits);
  EXPECT_NEAR(head.sampling_log_prob(0, 1), std::log(0.5), 1e-12);
  EXPECT_NEAR(head.sampling_log_prob(0, 2), std::log(0.5), 1e-12);
  EXPECT_EQ(head.sampling_log_prob(0, 3), minus_infinity);
}

TEST(sampling_head, log_prob_is_log_softmax_at_temperature_1) {
  for (const auto type : {torch::kFloat64, torch::kFloat32, torch::kBFloat16}) {
    const torch::Tensor logits = logits_of(3, 1003, type);
    const torch::Tensor expected = torch::log_softmax(logits.to(torch::kFloat64), -1);
    for (const double temperature : {0.0, 0.8, 1.0}) {
      SamplingHead head({temperature, 0, 1.0, 0.0}, 1003);
      head.prepare(logits);
      for (const std::int64_t v : {0, 500, 1002}) {
        EXPECT_NEAR(head.log_prob(2, v), expected[2][v].item<double>(), type == torch::kFloat64 ? 1e-12 : 2e-6);
      }
    }
  }
}

/// The block definition, written out for one row in float32 with exp in float64.
TEST(sampling_head, draws_follow_the_block_definition_at_odd_vocabulary_sizes) {
  for (const std::int64_t vocabulary : {3, 128, 300, 1001}) {
    const torch::Tensor logits = logits_of(1, vocabulary);
    const double* const x = logits.data_ptr<double>();
    const double max = *std::max_element(x, x + vocabulary), inverse = 1.0 / 0.8;
    std::vector<double> weights(static_cast<std::size_t>((vocabulary + 127) / 128 * 128), 0.0), running;
    for (std::int64_t v = 0; v < vocabulary; ++v)
      weights[static_cast<std::size_t>(v)] = std::exp((x[v] - max) * inverse);
    double total = 0.0;
    for (std::size_t block = 0; block < weights.size(); block += 128) {
      double lane[16] = {};
      for (std::size_t i = 0; i < 128; ++i) lane[i % 16] += weights[block + i];
      for (std::size_t half = 8; half > 0; half /= 2) {
        for (std::size_t j = 0; j < half; ++j) lane[j] += lane[j + half];
      }
      running.push_back(total += lane[0]);
    }
    SamplingHead head({0.8, 0, 1.0, 0.0}, vocabulary);
    head.prepare(logits);
    const Philox uniforms(Purpose::sample, 2);
    for (std::uint32_t i = 0; i < 2000; ++i) {
      const double uniform = i == 0 ? 0.0 : i == 1 ? 1.0 - 0x1.0p-53 : uniforms.uniform(i);
      std::size_t block = 0;
      while (running[block] <= uniform * total) ++block;
      double sum = block == 0 ? 0.0 : running[block - 1];
      std::size_t v = block * 128;
      while ((sum += weights[v]) <= uniform * total && v + 1 < static_cast<std::size_t>(vocabulary)) ++v;
      ASSERT_EQ(head.draw(0, uniform), static_cast<std::int64_t>(v)) << "uniform " << uniform;
    }
  }
}

TEST(sampling_head, greedy_takes_the_first_of_equal_maxima) {
  SamplingHead head({0.0, 0, 1.0, 0.0}, 4);
  head.prepare(torch::tensor({{0.0, 3.0, 3.0, 1.0}}, torch::kFloat32));
  EXPECT_EQ(head.draw(0, 0.99), 1);
  EXPECT_EQ(head.sampling_log_prob(0, 1), 0.0);
  EXPECT_EQ(head.sampling_log_prob(0, 2), minus_infinity);
}

TEST(sampling_head, logits_that_are_not_finite_are_an_error) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    torch::Tensor logits = logits_of(2, 200, torch::kFloat32);
    logits[1][150] = bad;
    SamplingHead head({0.8, 0, 1.0, 0.0}, 200);
    EXPECT_THROW(head.prepare(logits), Error);
  }
}

}  // namespace
}  // namespace rest
