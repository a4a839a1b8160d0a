#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "model/products/packed_matrix.hpp"
#include "grow/products/packed_model.hpp"
#include "random_model.hpp"
#include "rest/core/error.hpp"
#include "rest/core/philox.hpp"

namespace rest {
namespace {

using grow_test::random_model;
using grow_test::small_config;

constexpr std::int64_t rows = 70;  // more than a tile

Transformer model_of(std::int64_t vocabulary, torch::ScalarType type) {
  TransformerConfig config = small_config();
  config.vocabulary_size = vocabulary;
  return random_model(config, type);
}

torch::Tensor hidden_of(torch::ScalarType type) {
  torch::manual_seed(9);
  return (torch::randn({rows, small_config().hidden}, torch::kFloat64) * 1.5).to(type);
}

/// Several draws a row, some with a given token.
std::vector<Draw> draws_of(std::int64_t vocabulary) {
  const Philox uniforms(Purpose::sample, 4);
  std::vector<Draw> draws;
  for (std::int64_t row = 0; row < rows; ++row) {
    if (row % 9 == 4) continue;  // a row without
    for (std::uint32_t i = 0; i < 1 + row % 5; ++i) {
      draws.push_back({row, uniforms.uniform(static_cast<std::uint32_t>(row), i)});
      if ((row + i) % 7 == 0) draws.back().token = (13 * row + i) % vocabulary;
    }
  }
  return draws;
}

struct Difference {
  std::size_t tokens = 0;  // that differ
  double log_prob = 0.0;   // largest, where they do not
};

Difference difference(const std::vector<Draw>& a, const std::vector<Draw>& b) {
  Difference result;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].token != b[i].token) {
      ++result.tokens;
      continue;
    }
    result.log_prob =
        std::max({result.log_prob, std::abs(a[i].log_prob - b[i].log_prob),
                  std::isinf(a[i].sampling_log_prob) ? (std::isinf(b[i].sampling_log_prob) ? 0.0 : 1.0)
                                                     : std::abs(a[i].sampling_log_prob - b[i].sampling_log_prob)});
  }
  return result;
}

std::vector<Draw> drawn(ProjectionHead& head, const torch::Tensor& hidden, std::vector<Draw> draws) {
  head.draw(hidden, draws);
  return draws;
}

/// SamplingHead's answers over given logits.
std::vector<Draw> drawn_from(const torch::Tensor& logits, const SamplingOptions& options, std::vector<Draw> draws) {
  SamplingHead head(options, logits.size(1));
  head.prepare(logits);
  for (Draw& draw : draws) {
    if (draw.token == Draw::open) draw.token = head.draw(draw.row, draw.uniform);
    draw.log_prob = head.log_prob(draw.row, draw.token);
    draw.sampling_log_prob = head.sampling_log_prob(draw.row, draw.token);
  }
  return draws;
}

const std::vector<double> temperatures = {0.8, 1.0, 1.3, 0.0};
const std::vector<std::int64_t> vocabularies = {37, 128, 300, 5000};

// In float32 a uniform lies within 1e-5 of a boundary with probability below 1e-3 in 170 draws of 5,000 pieces; these
// do not.
TEST(FusedHead, DrawsAreThoseOfThePlainHead) {
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    for (const std::int64_t vocabulary : vocabularies) {
      const Transformer model = model_of(vocabulary, type);
      const auto packed = pack(model, /*int8=*/false);
      for (const double temperature : temperatures) {
        const SamplingOptions options{temperature};
        const auto fused = drawn(*packed->head(options), hidden_of(type), draws_of(vocabulary));
        const auto plain = drawn(*logits_head(model, options), hidden_of(type), draws_of(vocabulary));
        const Difference apart = difference(fused, plain);
        EXPECT_EQ(apart.tokens, 0u) << vocabulary << " pieces, T " << temperature;
        EXPECT_LT(apart.log_prob, type == torch::kFloat64 ? 1e-11 : 1e-5);
      }
    }
  }
}

TEST(FusedHead, Bfloat16DrawsAreThoseOfTheRoundedFactors) {
  const Transformer model = model_of(5000, torch::kBFloat16);
  const torch::Tensor hidden = hidden_of(torch::kFloat32);
  const torch::Tensor logits =
      torch::matmul(hidden.to(torch::kBFloat16).to(torch::kFloat32), model.target_embedding().weight.to(torch::kFloat32).t());
  for (const double temperature : temperatures) {
    const SamplingOptions options{temperature};
    const auto fused = drawn(*pack(model, /*int8=*/false)->head(options), hidden, draws_of(5000));
    const Difference apart = difference(fused, drawn_from(logits, options, draws_of(5000)));
    EXPECT_EQ(apart.tokens, 0u) << "T " << temperature;
    EXPECT_LT(apart.log_prob, 1e-5);
  }
}

TEST(FusedHead, Int8DrawsAreThoseOfTheRoundedFactors) {
  if (!multiplies_int8()) GTEST_SKIP() << "this processor does not multiply int8";
  const Transformer model = model_of(5000, torch::kFloat32);
  const auto rounded = [](const torch::Tensor& x) {
    const torch::Tensor scale = std::get<0>(x.abs().max(1)).unsqueeze(1) / 127.0;
    return (torch::round(x / scale) * scale).to(torch::kFloat64);
  };
  const torch::Tensor hidden = hidden_of(torch::kFloat32);
  const torch::Tensor logits =
      torch::matmul(rounded(hidden), rounded(model.target_embedding().weight).t()).to(torch::kFloat32);
  for (const double temperature : temperatures) {
    const SamplingOptions options{temperature};
    const auto fused = drawn(*pack(model, /*int8=*/true)->head(options), hidden, draws_of(5000));
    const Difference apart = difference(fused, drawn_from(logits, options, draws_of(5000)));
    EXPECT_EQ(apart.tokens, 0u) << "T " << temperature;
    EXPECT_LT(apart.log_prob, 2e-3) << "a value halfway between two may be rounded either way";
  }
}

TEST(FusedHead, LogitsThatAreNotFiniteAreAnError) {
  const Transformer model = model_of(300, torch::kFloat32);
  torch::Tensor hidden = hidden_of(torch::kFloat32);
  hidden[33][3] = std::nan("");
  auto draws = draws_of(300);
  EXPECT_THROW(pack(model, /*int8=*/false)->head({0.8})->draw(hidden, draws), Error);
}

}  // namespace
}  // namespace rest
