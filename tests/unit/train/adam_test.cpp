#include "rest/train/adam.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <limits>
#include <vector>

namespace rest {
namespace {

GradientSum sum_of(const torch::Tensor& values) {
  return {{values.data_ptr<float>(), static_cast<std::size_t>(values.numel())}};
}

TEST(AdamTest, EqualsTheLibrarysAdam) {
  torch::manual_seed(1);
  const std::int64_t elements = 5000;  // more than a block
  const auto start = torch::randn({elements});
  AdamOptions options;
  options.clip_norm = 0.0;
  Adam ours(start.clone(), options);
  auto theirs = start.clone().requires_grad_(true);
  torch::optim::Adam reference({theirs}, torch::optim::AdamOptions(1e-2).betas({0.9, 0.98}).eps(1e-9));
  for (std::int64_t update = 1; update <= 20; ++update) {
    const auto sum = torch::randn({elements}) * 64.0;
    ours.update(sum_of(sum), 64.0, 1e-2, update);
    theirs.mutable_grad() = sum / 64.0;
    reference.step();
  }
  EXPECT_LT((ours.parameters() - theirs.detach()).abs().max().item<float>(), 2e-5f);
}

TEST(AdamTest, ClipsToTheNormAndReportsItUnclipped) {
  const auto gradient = torch::tensor({3.0f, 4.0f});
  AdamOptions options;
  options.clip_norm = 1.0;
  Adam adam(torch::zeros({2}), options);
  EXPECT_NEAR(adam.update(sum_of(gradient), 1.0, 0.1, 1), 5.0, 1e-6);
  const auto first_moment = adam.state()[1].second;
  EXPECT_NEAR(first_moment[0].item<float>(), 0.1f * 0.6f, 1e-6f);
  EXPECT_NEAR(first_moment[1].item<float>(), 0.1f * 0.8f, 1e-6f);
}

TEST(AdamTest, TheAverageIsThePolicy) {
  AdamOptions options;
  options.average_decay = 0.9;
  Adam adam(torch::zeros({1}), options);
  const auto gradient = torch::tensor({-1.0f});
  float average = 0.0f;
  for (std::int64_t update = 1; update <= 30; ++update) {
    adam.update(sum_of(gradient), 1.0, 0.1, update);
    const float decay = std::min(0.9f, (1.0f + static_cast<float>(update)) / (10.0f + static_cast<float>(update)));
    average = decay * average + (1.0f - decay) * adam.parameters().item<float>();
  }
  EXPECT_NEAR(adam.policy_parameters().item<float>(), average, 1e-5f);
  EXPECT_LT(adam.policy_parameters().item<float>(), adam.parameters().item<float>());
}

TEST(AdamTest, TakesTheSumOfSquaresItIsGiven) {
  const auto gradient = torch::tensor({3.0f, 4.0f});
  GradientSum sum = sum_of(gradient);
  sum.square_sum = 100.0;
  EXPECT_EQ(Adam(torch::zeros({2}), {}).update(sum, 2.0, 0.1, 1), 5.0);
}

/// Shards of three ranks, by both kinds of kernels: together they are the whole, with the copies that are computed
/// with.
TEST(AdamTest, ShardsAreTheWholeToTheBit) {
  torch::manual_seed(3);
  const std::int64_t elements = 5 * static_cast<std::int64_t>(Buckets::size) + 5001;
  const auto start = torch::randn({elements});
  for (const Kernels kernels : {Kernels::native, Kernels::operators}) {
    for (const auto precision : {torch::kFloat32, torch::kBFloat16}) {
      AdamOptions options;
      options.average_decay = 0.9;
      options.kernels = kernels;
      Adam whole(start.clone(), options);
      std::vector<Adam> shards;
      for (int rank = 0; rank < 3; ++rank) shards.emplace_back(start, options, Shard(elements, rank, 3));
      const auto expected = torch::empty({elements}, precision), computed = torch::empty_like(expected);
      for (std::int64_t update = 1; update <= 3; ++update) {
        const auto sum = torch::randn({elements});
        whole.update(sum_of(sum), 64.0, 1e-2, update, expected);
        for (Adam& shard : shards) shard.update(sum_of(sum), 64.0, 1e-2, update, computed);
        EXPECT_TRUE(torch::equal(expected, whole.parameters().to(precision)));
        EXPECT_TRUE(torch::equal(computed, expected));
      }
      const auto state = whole.state();
      for (std::size_t i = 0; i < state.size(); ++i) {
        const auto together = torch::empty({elements});
        for (const Adam& shard : shards) shard.shard().put(shard.state()[i].second, together);
        EXPECT_TRUE(torch::equal(together, state[i].second)) << state[i].first;
      }
    }
  }
}

TEST(AdamTest, RoundsToBfloat16AsTheLibraryDoes) {
  const auto values = torch::tensor(
      {1.0f, 1.00390625f, 1.01171875f, -1.00390625f, 1e-40f, -0.0f, 3.4e38f, std::numeric_limits<float>::infinity()});
  AdamOptions options;
  options.clip_norm = 0.0;
  const auto zeros = torch::zeros({8}), copy = torch::empty({8}, torch::kBFloat16);
  Adam(values.clone(), options).update(sum_of(zeros), 1.0, 0.1, 1, copy);
  EXPECT_TRUE(torch::equal(copy, values.to(torch::kBFloat16)));
}

/// What GPUs compute, on the CPU.
TEST(AdamTest, ByOperatorsItIsTheSame) {
  torch::manual_seed(2);
  const auto start = torch::randn({5000});
  AdamOptions options;
  options.clip_norm = 0.5;
  options.average_decay = 0.9;
  Adam natively(start.clone(), options);
  options.kernels = Kernels::operators;
  Adam by_operators(start.clone(), options);
  for (std::int64_t update = 1; update <= 20; ++update) {
    const auto sum = torch::randn({5000}) * (update % 2 == 0 ? 64.0 : 0.1);  // clipped and not
    const double norm = natively.update(sum_of(sum), 64.0, 1e-2, update);
    EXPECT_NEAR(by_operators.update(sum_of(sum), 64.0, 1e-2, update), norm, 1e-6 * norm);
  }
  const auto expected = natively.state(), state = by_operators.state();
  ASSERT_EQ(state.size(), 4u);
  for (std::size_t i = 0; i < state.size(); ++i) {
    EXPECT_TRUE(torch::allclose(state[i].second, expected[i].second, 1e-4, 1e-6)) << state[i].first;
  }
}

}  // namespace
}  // namespace rest
