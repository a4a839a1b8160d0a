#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "head_cases.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

using grow_test::draws_of;
using grow_test::hidden_states;
using grow_test::random_model;
using grow_test::small_config;
using grow_test::wide_config;

void expect_draws_of_logits_head(const Transformer& model, double temperature, double tolerance) {
  SamplingOptions options;
  options.temperature = temperature;
  constexpr std::int64_t rows = 30;
  const torch::Tensor hidden = hidden_states(rows, model);
  auto draws = draws_of(rows, model.config().vocabulary_size), expected = draws;
  operator_head(model, options)->draw(hidden, draws);
  logits_head(model, options)->draw(hidden, expected);
  for (std::size_t i = 0; i < draws.size(); ++i) {
    EXPECT_EQ(draws[i].token, expected[i].token) << "draw " << i << " at temperature " << temperature;
    EXPECT_NEAR(draws[i].log_prob, expected[i].log_prob, tolerance);
    if (std::isinf(expected[i].sampling_log_prob)) {
      EXPECT_EQ(draws[i].sampling_log_prob, expected[i].sampling_log_prob);
    } else {
      EXPECT_NEAR(draws[i].sampling_log_prob, expected[i].sampling_log_prob, tolerance);
    }
  }
}

TEST(operator_head, draws_are_those_of_the_logits_head) {
  for (const auto& config : {small_config(), wide_config()}) {
    for (const double temperature : {0.8, 1.0, 0.0}) {
      expect_draws_of_logits_head(random_model(config, torch::kFloat64), temperature, 1e-10);
      expect_draws_of_logits_head(random_model(config, torch::kFloat32), temperature, 1e-5);
    }
  }
}

// Its logits are not rounded to bfloat16, as those of the logits head are.
TEST(operator_head, bfloat16_is_that_of_the_same_weights_in_float32) {
  const torch::Tensor rounded = grow_test::random_parameters(wide_config()).to(torch::kBFloat16);
  const Transformer model(wide_config(), rounded), wide(wide_config(), rounded.to(torch::kFloat32));
  const torch::Tensor hidden = hidden_states(20, model);
  auto draws = draws_of(20, 9001), expected = draws;
  operator_head(model, {})->draw(hidden, draws);
  operator_head(wide, {})->draw(hidden.to(torch::kFloat32), expected);
  for (std::size_t i = 0; i < draws.size(); ++i) {
    EXPECT_EQ(draws[i].token, expected[i].token);
    EXPECT_NEAR(draws[i].log_prob, expected[i].log_prob, 1e-5);
  }
}

TEST(operator_head, greedy_takes_the_first_of_equal_maxima) {
  Transformer model = random_model(wide_config(), torch::kFloat32);
  const torch::Tensor hidden = hidden_states(1, model);
  const torch::Tensor best = hidden[0] * 100.0;
  for (const std::int64_t piece : {8000, 4200, 700}) model.target_embedding().weight[piece].copy_(best);
  SamplingOptions greedy;
  greedy.temperature = 0.0;
  std::vector<Draw> draws{{0}, {0, 0.0, 4200}};
  operator_head(model, greedy)->draw(hidden, draws);
  EXPECT_EQ(draws[0].token, 700);
  EXPECT_EQ(draws[0].sampling_log_prob, 0.0);
  EXPECT_NEAR(draws[0].log_prob, std::log(1.0 / 3.0), 1e-5);
}

TEST(operator_head, logits_that_are_not_finite_are_an_error) {
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    Transformer model = random_model(small_config(), torch::kFloat32);
    model.target_embedding().weight[7][3] = bad;
    std::vector<Draw> draws{{0, 0.5}};
    EXPECT_THROW(operator_head(model, {})->draw(hidden_states(1, model).abs(), draws), Error);
  }
}

}  // namespace
}  // namespace rest
