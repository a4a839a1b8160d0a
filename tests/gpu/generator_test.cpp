#include "rest/grow/generator.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "gpu.hpp"
#include "models.hpp"
#include "rest/grow/beam_search.hpp"

namespace rest {
namespace {

using grow_test::small_config;
using grow_test::Sources;

Transformer on(torch::Device device, torch::ScalarType type) { return model_on(device, small_config(), type); }

TEST(CudaGenerator, SamplesAreThoseOfTheCpuInFloat64) {
  NEEDS_A_GPU();
  const Sources sources(21);
  GenerateOptions options;
  options.samples = 20;
  options.max_length = 12;
  options.max_rows = 64;
  const auto here = generate(on(torch::kCPU, torch::kFloat64), sources.all(), options);
  const auto there = generate(on(gpu(), torch::kFloat64), sources.all(), options);
  ASSERT_EQ(there.size(), here.size());
  for (std::size_t s = 0; s < here.size(); ++s) {
    ASSERT_EQ(there[s].size(), here[s].size()) << "source " << s;
    for (std::size_t i = 0; i < here[s].size(); ++i) {
      EXPECT_EQ(there[s][i].tokens, here[s][i].tokens);
      EXPECT_EQ(there[s][i].count, here[s][i].count);
      EXPECT_NEAR(there[s][i].log_prob, here[s][i].log_prob, 1e-9);
    }
  }
}

TEST(CudaBeamSearch, HypothesesAreThoseOfTheCpuInFloat64) {
  NEEDS_A_GPU();
  const Sources sources(9);
  BeamOptions options;
  options.max_length = 12;
  const auto here = beam_search(on(torch::kCPU, torch::kFloat64), sources.all(false), options);
  const auto there = beam_search(on(gpu(), torch::kFloat64), sources.all(false), options);
  ASSERT_EQ(there.size(), here.size());
  for (std::size_t s = 0; s < here.size(); ++s) {
    ASSERT_EQ(there[s].size(), here[s].size()) << "source " << s;
    for (std::size_t i = 0; i < here[s].size(); ++i) EXPECT_EQ(there[s][i].tokens, here[s][i].tokens);
  }
}

TEST(CudaGenerator, SamplesInBfloat16AreTheSameEachTime) {
  NEEDS_A_GPU();
  const Sources sources(9);
  const Transformer model = on(gpu(), torch::kBFloat16);
  GenerateOptions options;
  options.samples = 20;
  options.max_length = 12;
  const auto first = generate(model, sources.all(), options), second = generate(model, sources.all(), options);
  for (std::size_t s = 0; s < first.size(); ++s) {
    ASSERT_EQ(first[s].size(), second[s].size());
    for (std::size_t i = 0; i < first[s].size(); ++i) {
      EXPECT_EQ(first[s][i].tokens, second[s][i].tokens);
      EXPECT_EQ(first[s][i].log_prob, second[s][i].log_prob);
    }
  }
}

TEST(CudaGenerator, Bfloat16ScoresTargetsAsTheCpuDoesInFloat64) {
  NEEDS_A_GPU();
  const Sources sources(21);
  GenerateOptions options;
  options.samples = 4;
  options.max_length = 12;
  const torch::Tensor rounded = grow_test::random_parameters(small_config()).to(torch::kBFloat16).to(torch::kFloat64);
  const auto exact = generate(Transformer(small_config(), rounded), sources.all(), options);
  const auto there = generate(on(gpu(), torch::kBFloat16), sources.all(), options);
  double pieces = 0.0, difference = 0.0;
  for (std::size_t s = 0; s < exact.size(); ++s) {
    ASSERT_TRUE(there[s].back().original);
    ASSERT_EQ(there[s].back().tokens, exact[s].back().tokens);
    pieces += static_cast<double>(exact[s].back().tokens.size() + 1);
    difference += std::abs(there[s].back().log_prob - exact[s].back().log_prob);
  }
  EXPECT_LT(difference / pieces, 0.05) << "a piece";
}

}  // namespace
}  // namespace rest
