#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "gpu.hpp"
#include "models.hpp"
#include "rest/core/error.hpp"
#include "unit/grow/head_cases.hpp"

namespace rest {
namespace {

using grow_test::cut_options;
using grow_test::decided;
using grow_test::drawn_from_leading;
using grow_test::draws_of;
using grow_test::hidden_states;
using grow_test::small_config;
using grow_test::wide_config;
using grow_test::words;

constexpr std::int64_t rows = 50;

/// -> pieces that differ, of those that were decided.
std::int64_t differing(const std::vector<Draw>& draws, const std::vector<Draw>& expected, double tolerance) {
  std::int64_t different = 0;
  for (std::size_t i = 0; i < draws.size(); ++i) {
    if (draws[i].token == Draw::open) continue;
    if (draws[i].token != expected[i].token) {
      ++different;
      continue;
    }
    EXPECT_NEAR(draws[i].log_prob, expected[i].log_prob, tolerance);
    if (std::isinf(expected[i].sampling_log_prob)) {
      EXPECT_EQ(draws[i].sampling_log_prob, expected[i].sampling_log_prob);
    } else {
      EXPECT_NEAR(draws[i].sampling_log_prob, expected[i].sampling_log_prob, tolerance);
    }
  }
  return different;
}

/// Draws on the GPU in `type` against those of SamplingHead on the CPU in `reference`; -> pieces that differ.
std::int64_t differing_draws(const TransformerConfig& config, const SamplingOptions& options, torch::ScalarType type,
                             torch::ScalarType reference, double tolerance) {
  const Transformer here(config, grow_test::random_parameters(config).to(type).to(reference));
  const Transformer there = model_on(gpu(), config, type);
  const torch::Tensor hidden = hidden_states(rows, there);
  auto draws = draws_of(rows, config.vocabulary_size), expected = draws;
  operator_head(there, options)->draw(hidden.to(gpu()), draws);
  logits_head(here, options)->draw(hidden.to(reference), expected);
  EXPECT_EQ(decided(draws), draws.size());
  return differing(draws, expected, tolerance);
}

TEST(CudaHead, DrawsAreThoseOfTheCpu) {
  NEEDS_A_GPU();
  for (const auto& config : {small_config(), wide_config()}) {
    for (const double temperature : {0.8, 1.0, 0.0}) {
      const SamplingOptions options{temperature};
      EXPECT_EQ(differing_draws(config, options, torch::kFloat64, torch::kFloat64, 1e-10), 0);
      EXPECT_LE(differing_draws(config, options, torch::kFloat32, torch::kFloat32, 1e-4), 1) << "near boundaries";
      EXPECT_LE(differing_draws(config, options, torch::kBFloat16, torch::kFloat32, 1e-4), 1) << "near boundaries";
    }
  }
}

TEST(CudaHead, DrawsWithCutsAreThoseOfTheCpu) {
  NEEDS_A_GPU();
  for (const auto& config : {small_config(), wide_config()}) {
    for (const SamplingOptions& options : cut_options) {
      SCOPED_TRACE(words(options));
      EXPECT_EQ(differing_draws(config, options, torch::kFloat64, torch::kFloat64, 1e-10), 0);
      EXPECT_LE(differing_draws(config, options, torch::kFloat32, torch::kFloat32, 1e-4), 1) << "near boundaries";
      EXPECT_LE(differing_draws(config, options, torch::kBFloat16, torch::kFloat32, 1e-4), 1) << "near boundaries";
    }
  }
}

TEST(CudaHead, OfEqualLeadingPiecesTheLowerOnesAreKept) {
  NEEDS_A_GPU();
  const Transformer model = model_on(gpu(), wide_config(), torch::kFloat32);
  const torch::Tensor hidden = hidden_states(1, model).to(gpu());
  grow_test::make_three_equal(model, hidden[0]);
  grow_test::expect_the_lower_of_equal_pieces(model, hidden);
}

/// Equal answers could come from the logits head, which helps where the kernel cannot tell.
TEST(CudaHead, LeadingPiecesDecideAsOnTheCpu) {
  NEEDS_A_GPU();
  const Transformer here(wide_config(), grow_test::random_parameters(wide_config()).to(torch::kFloat64)),
      there = model_on(gpu(), wide_config(), torch::kFloat64);
  const torch::Tensor hidden = hidden_states(rows, here) * 2.0;
  const auto draws = draws_of(rows, 9001);
  for (const SamplingOptions& options : cut_options) {
    if (options.temperature == 0.0) continue;  // nothing is cut
    SCOPED_TRACE(words(options));
    for (const std::int64_t count : {2, 9, 257}) {
      const auto expected = drawn_from_leading(here, hidden, count, options, draws);
      const auto drawn = drawn_from_leading(there, hidden.to(gpu()), count, options, draws);
      EXPECT_EQ(decided(drawn), decided(expected));
      EXPECT_EQ(differing(drawn, expected, 1e-10), 0);
    }
  }
}

TEST(CudaHead, GreedyTakesTheFirstOfEqualMaxima) {
  NEEDS_A_GPU();
  const Transformer model = model_on(gpu(), wide_config(), torch::kFloat32);
  const torch::Tensor hidden = hidden_states(1, model).to(gpu());
  grow_test::make_three_equal(model, hidden[0]);
  std::vector<Draw> draws{{0}};
  operator_head(model, {0.0})->draw(hidden, draws);
  EXPECT_EQ(draws[0].token, 700);
  EXPECT_EQ(draws[0].sampling_log_prob, 0.0);
  EXPECT_NEAR(draws[0].log_prob, std::log(1.0 / 3.0), 1e-5);
}

TEST(CudaHead, LogitsThatAreNotFiniteAreAnError) {
  NEEDS_A_GPU();
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    const Transformer model = model_on(gpu(), small_config(), torch::kFloat32);
    model.target_embedding().weight[7][3] = bad;
    std::vector<Draw> draws{{0, 0.5}};
    EXPECT_THROW(operator_head(model, {})->draw(hidden_states(1, model).abs().to(gpu()), draws), Error);
    EXPECT_THROW(operator_head(model, {0.8, 5})->draw(hidden_states(1, model).abs().to(gpu()), draws), Error);
  }
}

}  // namespace
}  // namespace rest
