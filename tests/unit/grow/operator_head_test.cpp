#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "head_cases.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

using grow_test::cut_options;
using grow_test::decided;
using grow_test::drawn_from_leading;
using grow_test::draws_of;
using grow_test::hidden_states;
using grow_test::random_model;
using grow_test::small_config;
using grow_test::wide_config;
using grow_test::words;

constexpr std::int64_t rows = 30;

void expect_equal(const Draw& draw, const Draw& expected, double tolerance) {
  EXPECT_EQ(draw.token, expected.token);
  EXPECT_NEAR(draw.log_prob, expected.log_prob, tolerance);
  if (std::isinf(expected.sampling_log_prob)) {
    EXPECT_EQ(draw.sampling_log_prob, expected.sampling_log_prob);
  } else {
    EXPECT_NEAR(draw.sampling_log_prob, expected.sampling_log_prob, tolerance);
  }
}

void expect_draws_of_logits_head(const Transformer& model, const SamplingOptions& options, double tolerance,
                                 double flatness = 1.0) {
  SCOPED_TRACE(words(options));
  const torch::Tensor hidden = hidden_states(rows, model) * flatness;
  auto draws = draws_of(rows, model.config().vocabulary_size), expected = draws;
  operator_head(model, options)->draw(hidden, draws);
  logits_head(model, options)->draw(hidden, expected);
  for (std::size_t i = 0; i < draws.size(); ++i) expect_equal(draws[i], expected[i], tolerance);
}

TEST(operator_head, draws_are_those_of_the_logits_head) {
  for (const auto& config : {small_config(), wide_config()}) {
    for (const double temperature : {0.8, 1.0, 0.0}) {
      expect_draws_of_logits_head(random_model(config, torch::kFloat64), {temperature}, 1e-10);
      expect_draws_of_logits_head(random_model(config, torch::kFloat32), {temperature}, 1e-5);
    }
  }
}

TEST(operator_head, draws_with_cuts_are_those_of_the_logits_head) {
  for (const auto& config : {small_config(), wide_config()}) {
    for (const double flatness : {2.0, 0.1}) {
      for (const SamplingOptions& options : cut_options) {
        expect_draws_of_logits_head(random_model(config, torch::kFloat64), options, 1e-10, flatness);
        expect_draws_of_logits_head(random_model(config, torch::kFloat32), options, 1e-5, flatness);
      }
    }
  }
}

TEST(operator_head, leading_pieces_decide_where_they_are_enough) {
  const Transformer model = random_model(wide_config(), torch::kFloat64);
  const torch::Tensor hidden = hidden_states(rows, model) * 2.0;
  const auto draws = draws_of(rows, 9001);
  for (const SamplingOptions& options : cut_options) {
    if (options.temperature == 0.0) continue;  // nothing is cut
    SCOPED_TRACE(words(options));
    auto expected = draws;
    logits_head(model, options)->draw(hidden, expected);
    std::size_t before = 0;
    for (const std::int64_t count : {2, 9, 257}) {
      const auto drawn = drawn_from_leading(model, hidden, count, options, draws);
      for (std::size_t i = 0; i < drawn.size(); ++i) {
        if (drawn[i].token >= 0) expect_equal(drawn[i], expected[i], 1e-10);
      }
      EXPECT_GE(decided(drawn), before);
      before = decided(drawn);
      if (options.top_k > 0 && options.top_k < 9001) {
        EXPECT_EQ(decided(drawn), options.top_k < count ? draws.size() : 0) << count << " pieces";
      }
    }
    if (options.top_k == 0 && options.top_p < 0.99) {
      EXPECT_GT(before, draws.size() / 2);
    }
  }
}

/// Logits that are small integers: many are equal, in a slice and across slices.
TEST(operator_head, ties_at_a_cut_go_to_the_lower_piece) {
  Transformer model = random_model(wide_config(), torch::kFloat32);
  torch::manual_seed(3);
  model.target_embedding().weight.copy_(torch::randint(-1, 2, {9001, wide_config().hidden}));
  const torch::Tensor hidden = torch::randint(-1, 2, {4, wide_config().hidden}).to(torch::kFloat32);
  std::vector<Draw> draws;
  for (std::int64_t row = 0; row < 4; ++row) {
    for (std::int64_t piece = 0; piece < 9001; piece += 7) draws.push_back({row, 0.0, piece});
    for (std::uint32_t i = 0; i < 100; ++i) draws.push_back({row, 0.01 * i});
  }
  for (const SamplingOptions& options : cut_options) {
    SCOPED_TRACE(words(options));
    auto drawn = draws, expected = draws;
    operator_head(model, options)->draw(hidden, drawn);
    logits_head(model, options)->draw(hidden, expected);
    for (std::size_t i = 0; i < draws.size(); ++i) expect_equal(drawn[i], expected[i], 1e-5);
  }
}

TEST(operator_head, of_equal_leading_pieces_the_lower_ones_are_kept) {
  const Transformer model = random_model(wide_config(), torch::kFloat32);
  const torch::Tensor hidden = hidden_states(1, model);
  grow_test::make_three_equal(model, hidden[0]);
  grow_test::expect_the_lower_of_equal_pieces(model, hidden);
}

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
  grow_test::make_three_equal(model, hidden[0]);
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
    EXPECT_THROW(operator_head(model, {0.8, 5})->draw(hidden_states(1, model).abs(), draws), Error);
  }
}

}  // namespace
}  // namespace rest
