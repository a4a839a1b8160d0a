#include "rest/train/adam.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace rest {
namespace {

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
    ours.update({sum.data_ptr<float>(), static_cast<std::size_t>(elements)}, 64.0, 1e-2, update);
    theirs.mutable_grad() = sum / 64.0;
    reference.step();
  }
  EXPECT_LT((ours.parameters() - theirs.detach()).abs().max().item<float>(), 2e-5f);
}

TEST(AdamTest, ClipsToTheNormAndReportsItUnclipped) {
  const std::vector<float> gradient{3.0f, 4.0f};
  AdamOptions options;
  options.clip_norm = 1.0;
  Adam adam(torch::zeros({2}), options);
  EXPECT_NEAR(adam.update({gradient.data(), 2}, 1.0, 0.1, 1), 5.0, 1e-6);
  const auto first_moment = adam.state()[1].second;
  EXPECT_NEAR(first_moment[0].item<float>(), 0.1f * 0.6f, 1e-6f);
  EXPECT_NEAR(first_moment[1].item<float>(), 0.1f * 0.8f, 1e-6f);
}

TEST(AdamTest, TheAverageIsThePolicy) {
  AdamOptions options;
  options.average_decay = 0.9;
  Adam adam(torch::zeros({1}), options);
  const float gradient = -1.0f;
  float average = 0.0f;
  for (std::int64_t update = 1; update <= 30; ++update) {
    adam.update({&gradient, 1}, 1.0, 0.1, update);
    const float decay = std::min(0.9f, (1.0f + static_cast<float>(update)) / (10.0f + static_cast<float>(update)));
    average = decay * average + (1.0f - decay) * adam.parameters().item<float>();
  }
  EXPECT_NEAR(adam.policy_parameters().item<float>(), average, 1e-5f);
  EXPECT_LT(adam.policy_parameters().item<float>(), adam.parameters().item<float>());
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
    const Span<const float> gradient(sum.data_ptr<float>(), 5000);
    const double norm = natively.update(gradient, 64.0, 1e-2, update);
    EXPECT_NEAR(by_operators.update(gradient, 64.0, 1e-2, update), norm, 1e-6 * norm);
  }
  const auto expected = natively.state(), state = by_operators.state();
  ASSERT_EQ(state.size(), 4u);
  for (std::size_t i = 0; i < state.size(); ++i) {
    EXPECT_TRUE(torch::allclose(state[i].second, expected[i].second, 1e-4, 1e-6)) << state[i].first;
  }
}

}  // namespace
}  // namespace rest
