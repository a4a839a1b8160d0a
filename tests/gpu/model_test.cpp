#include <gtest/gtest.h>
#include <torch/torch.h>

#include "gpu.hpp"
#include "rest/model/dropout.hpp"
#include "rest/train/adam.hpp"
#include "rest/train/cross_entropy.hpp"
#include "rest/train/loss.hpp"
#include "unit/grow/random_model.hpp"

namespace rest {
namespace {

using grow_test::small_config;
using grow_test::Sources;

TEST(CudaDropout, MasksAreThoseOfTheCpu) {
  NEEDS_A_GPU();
  for (const std::int64_t features : {1, 24, 128, 129, 512}) {
    const Sequences rows = make_sequences({5, 2, 7}, {77, std::uint64_t{1} << 40, 3});
    Dropout there(0.3, 5, 6), here(0.3, 5, 6);
    for (int site = 0; site < 3; ++site) {
      EXPECT_TRUE(torch::equal(there.next(rows.to(gpu())).mask(features).cpu(), here.next(rows).mask(features)))
          << features << " features, site " << site;
    }
  }
}

TEST(CudaAdam, FollowsTheCpus) {
  NEEDS_A_GPU();
  AdamOptions options;
  options.average_decay = 0.9;
  const auto start = torch::randn({5000});
  Adam there(start.to(gpu()), options), here(start.clone(), options);
  const auto computed = torch::empty({5000}, torch::TensorOptions(gpu()).dtype(torch::kBFloat16));
  for (std::int64_t update = 1; update <= 20; ++update) {
    const auto sum = torch::randn({5000}), sum_there = sum.to(gpu());
    const GradientSum gradient{{sum.data_ptr<float>(), 5000}}, gradient_there{{sum_there.data_ptr<float>(), 5000}};
    const double norm = here.update(gradient, 4.0, 1e-2, update);
    EXPECT_NEAR(there.update(gradient_there, 4.0, 1e-2, update, computed), norm, 1e-5 * norm);
  }
  const auto expected = here.state(), state = there.state();
  for (std::size_t i = 0; i < state.size(); ++i) {
    EXPECT_TRUE(torch::allclose(state[i].second.cpu(), expected[i].second, 1e-4, 1e-6)) << state[i].first;
  }
  EXPECT_TRUE(torch::equal(computed, there.parameters().to(torch::kBFloat16)));
}

/// Pairs of the generator's tests; those behind are other targets of the same sources.
class Pairs : public Dataset {
 public:
  std::size_t size() const override { return 2 * all_.size(); }
  Example get(std::size_t i) const override {
    const std::size_t other = (i + 1) % all_.size();
    return {all_[i % all_.size()].tokens, all_[i < all_.size() ? i : other].original, 1.0f, i};
  }

 private:
  Sources sources_{9};
  std::vector<GenerateSource> all_ = sources_.all();
};

struct LossAndGradient {
  double loss;
  torch::Tensor gradient;  // [elements] float64

  /// How far from another gradient, as a share of it.
  double distance(const LossAndGradient& other) const {
    return ((gradient - other.gradient).norm() / other.gradient.norm()).item<double>();
  }
};

/// Under dropout: forward, cross-entropy and backward, in `type` with parameters rounded to `stored`. Two of the
/// targets read one source.
LossAndGradient loss_and_gradient(torch::Device device, torch::ScalarType type, torch::ScalarType stored,
                                  const TransformerConfig& config) {
  const Pairs pairs;
  const std::vector<std::size_t> rows{0, 3, 12, 4, 8};
  const Batch batch = make_batch(pairs, rows).to(device);
  Transformer model(config, grow_test::random_parameters(config).to(stored).to(type).to(device));
  for (auto& parameter : model.parameters()) parameter.requires_grad_(true);
  Dropout dropout(0.1, 1, 2);
  const LossSum sum = CrossEntropyLoss(0.1)(model, batch, dropout);
  sum.loss.backward();
  std::vector<torch::Tensor> gradients;
  for (auto& parameter : model.parameters()) gradients.push_back(parameter.grad().flatten().to(torch::kCPU));
  return {sum.loss.item<double>(), torch::cat(gradients).to(torch::kFloat64)};
}

/// bfloat16 rounds at other places on a GPU: it must not be further from float64 than the CPU's by much.
void compare_with_cpu(const TransformerConfig& config) {
  for (const auto& [type, tolerance] :
       {std::pair{torch::kFloat64, 1e-9}, {torch::kFloat32, 1e-4}, {torch::kBFloat16, 0.0}}) {
    const auto exact = loss_and_gradient(torch::kCPU, torch::kFloat64, type, config);
    const auto there = loss_and_gradient(gpu(), type, type, config);
    const double limit =
        tolerance > 0.0 ? tolerance : 1.5 * loss_and_gradient(torch::kCPU, type, type, config).distance(exact);
    EXPECT_LT(there.distance(exact), limit) << "gradient, " << type;
    EXPECT_NEAR(there.loss, exact.loss, (tolerance > 0.0 ? tolerance : 1e-2) * exact.loss) << type;
    const auto again = loss_and_gradient(gpu(), type, type, config);
    EXPECT_EQ(again.loss, there.loss);
    EXPECT_TRUE(torch::equal(again.gradient, there.gradient)) << type << ": another gradient the second time";
  }
}

TEST(CudaTransformer, LossAndGradientAreThoseOfTheCpu) {
  NEEDS_A_GPU();
  compare_with_cpu(small_config());
}

TEST(CudaTransformer, WhatFlashAttentionTakesTooIsThatOfTheCpu) {
  NEEDS_A_GPU();
  TransformerConfig config = small_config();
  config.hidden = 64;  // head_dim 16
  compare_with_cpu(config);
}

/// Many blocks of tokens, and a vocabulary that threads share unevenly.
TEST(CudaCrossEntropy, LossAndGradientsAreThoseOfTheCpu) {
  NEEDS_A_GPU();
  for (const auto& [type, tolerance] :
       {std::pair{torch::kFloat64, 1e-12}, {torch::kFloat32, 1e-5}, {torch::kBFloat16, 8e-3}}) {
    torch::manual_seed(3);
    const auto target = torch::randint(1003, {2500}, torch::kInt64), weight = torch::rand({2500});
    const auto hidden = torch::randn({2500, 16}).to(type), embedding = torch::randn({1003, 16}).to(type);
    std::vector<torch::Tensor> gradients;
    std::vector<double> losses;
    for (const torch::Device device : {torch::Device(torch::kCPU), gpu()}) {
      const auto wide = device.is_cpu() ? torch::kFloat64 : type;
      const auto leaf_of = [&](const torch::Tensor& t) { return t.to(device, wide).clone().requires_grad_(true); };
      const torch::Tensor x = leaf_of(hidden), e = leaf_of(embedding);
      const TokenLoss loss = projected_cross_entropy(x, {e, {}, {}}, target.to(device), weight.to(device), 0.1);
      loss.loss.backward();
      losses.insert(losses.end(), {loss.loss.item<double>(), loss.negative_log_likelihood});
      for (const auto& leaf : {x, e}) gradients.push_back(leaf.grad().to(torch::kCPU, torch::kFloat64));
    }
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(losses[2 + i], losses[i], tolerance * losses[i]) << type;
      EXPECT_LT((gradients[2 + i] - gradients[i]).norm().item<double>(), tolerance * gradients[i].norm().item<double>())
          << type;
    }
  }
}

}  // namespace
}  // namespace rest
