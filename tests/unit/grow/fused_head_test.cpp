#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "grow/products/packed_model.hpp"
#include "head_cases.hpp"
#include "model/products/packed_matrix.hpp"
#include "rest/core/error.hpp"
#include "rest/core/philox.hpp"

namespace rest {
namespace {

using grow_test::cut_options;
using grow_test::random_model;
using grow_test::small_config;
using grow_test::words;

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

/// Log-probabilities [rows, vocabulary] float64 of the format's own logits.
torch::Tensor own_log_probs(const PackedModel& packed, const torch::Tensor& hidden, std::int64_t vocabulary) {
  std::vector<Draw> every;
  for (std::int64_t row = 0; row < hidden.size(0); ++row) {
    for (std::int64_t token = 0; token < vocabulary; ++token) every.push_back({row, 0.0, token});
  }
  packed.head({1.0})->draw(hidden, every);
  torch::Tensor result = torch::empty({hidden.size(0), vocabulary}, torch::kFloat64);
  std::transform(every.begin(), every.end(), result.data_ptr<double>(), [](const Draw& draw) { return draw.log_prob; });
  return result;
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

TEST(FusedHead, DrawsWithCutsAreThoseOfThePlainHead) {
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    for (const std::int64_t vocabulary : vocabularies) {
      const Transformer model = model_of(vocabulary, type);
      const auto packed = pack(model, /*int8=*/false);
      for (const double flatness : {1.0, 0.1}) {
        const torch::Tensor hidden = hidden_of(type) * flatness;
        for (const SamplingOptions& options : cut_options) {
          const auto fused = drawn(*packed->head(options), hidden, draws_of(vocabulary));
          const auto plain = drawn(*logits_head(model, options), hidden, draws_of(vocabulary));
          const Difference apart = difference(fused, plain);
          EXPECT_EQ(apart.tokens, 0u) << vocabulary << " pieces, " << words(options);
          EXPECT_LT(apart.log_prob, type == torch::kFloat64 ? 1e-11 : 1e-5)
              << vocabulary << " pieces, " << words(options);
        }
      }
    }
  }
}

TEST(FusedHead, DrawsWithCutsAreThoseOfTheOwnLogitsInBfloat16AndInt8) {
  constexpr std::int64_t vocabulary = 1500;
  for (const bool int8 : {false, true}) {
    if (int8 && !multiplies_int8()) continue;
    const auto packed = pack(model_of(vocabulary, int8 ? torch::kFloat32 : torch::kBFloat16), int8);
    for (const double flatness : {1.0, 0.1}) {
      const torch::Tensor hidden = hidden_of(torch::kFloat32) * flatness;
      const torch::Tensor log_probs = own_log_probs(*packed, hidden, vocabulary);
      for (const SamplingOptions& options : cut_options) {
        const auto fused = drawn(*packed->head(options), hidden, draws_of(vocabulary));
        const Difference apart = difference(fused, drawn_from(log_probs, options, draws_of(vocabulary)));
        EXPECT_EQ(apart.tokens, 0u) << "int8 " << int8 << ", " << words(options);
        EXPECT_LT(apart.log_prob, 1e-5) << "int8 " << int8 << ", " << words(options);
      }
    }
  }
}

/// Logits that are small integers: many are equal, in a block and across blocks.
TEST(FusedHead, TiesAtACutGoToTheLowerToken) {
  constexpr std::int64_t vocabulary = 1000;
  for (const auto type : {torch::kFloat64, torch::kFloat32, torch::kBFloat16}) {
    Transformer model = model_of(vocabulary, type);
    torch::manual_seed(3);
    model.target_embedding().weight.copy_(torch::randint(-1, 2, {vocabulary, small_config().hidden}));
    const auto packed = pack(model, /*int8=*/false);
    const torch::Tensor hidden =
        torch::randint(-1, 2, {4, small_config().hidden}).to(type == torch::kFloat64 ? type : torch::kFloat32);
    std::vector<Draw> draws;
    for (std::int64_t row = 0; row < 4; ++row) {
      for (std::int64_t token = 0; token < vocabulary; ++token) draws.push_back({row, 0.0, token});
      for (std::uint32_t i = 0; i < 100; ++i) draws.push_back({row, 0.01 * i});
    }
    for (const SamplingOptions& options : cut_options) {
      const auto fused = drawn(*packed->head(options), hidden, draws);
      const Difference apart = difference(fused, drawn(*logits_head(model, options), hidden, draws));
      EXPECT_EQ(apart.tokens, 0u) << words(options);
      EXPECT_LT(apart.log_prob, 1e-5) << words(options);
    }
  }
}

/// Each thread sees a part of the vocabulary.
TEST(FusedHead, DrawsWithCutsDoNotDependOnTheNumberOfThreads) {
  const int threads = torch::get_num_threads();
  const auto packed = pack(model_of(5000, torch::kFloat64), /*int8=*/false);
  for (const SamplingOptions& options : cut_options) {
    torch::set_num_threads(1);
    const auto one = drawn(*packed->head(options), hidden_of(torch::kFloat64), draws_of(5000));
    torch::set_num_threads(3);
    const Difference apart = difference(drawn(*packed->head(options), hidden_of(torch::kFloat64), draws_of(5000)), one);
    EXPECT_EQ(apart.tokens, 0u) << words(options);
    EXPECT_LT(apart.log_prob, 1e-11) << words(options);
  }
  torch::set_num_threads(threads);
}

TEST(FusedHead, Bfloat16DrawsAreThoseOfTheRoundedFactors) {
  const Transformer model = model_of(5000, torch::kBFloat16);
  const torch::Tensor hidden = hidden_of(torch::kFloat32);
  const torch::Tensor logits = torch::matmul(hidden.to(torch::kBFloat16).to(torch::kFloat32),
                                             model.target_embedding().weight.to(torch::kFloat32).t());
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
  const auto packed = pack(model, /*int8=*/false);
  EXPECT_THROW(packed->head({0.8})->draw(hidden, draws), Error);
  EXPECT_THROW(packed->head({0.8, 5})->draw(hidden, draws), Error);
}

}  // namespace
}  // namespace rest
