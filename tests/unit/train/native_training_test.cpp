// Training by our own loops, gradients bound, against LibTorch's operators in float64: the same loss, dropout and
// gradient, whatever the shape.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "rest/train/loss.hpp"

namespace rest {
namespace {

struct Case {
  std::int64_t hidden, feed_forward, heads, vocabulary;
  NormOrder norm;
  bool share_embeddings;
};

TransformerConfig config_of(const Case& c) {
  TransformerConfig config;
  config.vocabulary_size = c.vocabulary;
  config.hidden = c.hidden;
  config.feed_forward = c.feed_forward;
  config.heads = c.heads;
  config.encoder_layers = config.decoder_layers = 2;
  config.norm = c.norm;
  config.share_embeddings = c.share_embeddings;
  return config;
}

/// Sources of several lengths, some read by several targets, one by none.
Batch random_batch(std::int64_t vocabulary) {
  const std::vector<std::int64_t> sources{7, 1, 19, 4}, targets{5, 1, 33, 2, 17};
  Batch batch;
  batch.sources = make_sequences(sources, {3, 1, 4, 9});
  batch.targets = make_sequences(targets, {15, 9, 26, 53, 5});
  batch.readers = make_readers({2, 0, 1, 2});
  batch.source = torch::randint(vocabulary, {batch.sources.rows()}, torch::kInt64);
  batch.target_in = torch::randint(vocabulary, {batch.targets.rows()}, torch::kInt64);
  batch.target_out = torch::randint(vocabulary, {batch.targets.rows()}, torch::kInt64);
  batch.token_weight = torch::rand({batch.targets.rows()}) + 0.5;
  batch.weight = batch.token_weight.sum().item<double>();
  return batch;
}

struct Result {
  double loss, negative_log_likelihood;
  torch::Tensor gradient;  // float64
};

Result result_of(Transformer& model, const Batch& batch, const torch::Tensor& gradient) {
  for (auto& parameter : model.parameters()) parameter.requires_grad_(true);
  Dropout dropout(0.2, 5, 3);
  const LossSum sum = CrossEntropyLoss(0.1)(model, batch, dropout);
  sum.loss.backward();
  return {sum.loss.item<double>(), sum.negative_log_likelihood, gradient.to(torch::kFloat64)};
}

Result by_operators(const TransformerConfig& config, const torch::Tensor& parameters, const Batch& batch,
                    torch::ScalarType type = torch::kFloat64) {
  Transformer model(config, parameters.to(type));
  torch::Tensor gradient = torch::zeros(parameters.sizes(), type);
  const auto views = parameter_views(model.layout(), gradient);
  for (std::size_t i = 0; i < views.size(); ++i) model.parameters()[i].mutable_grad() = views[i];
  return result_of(model, batch, gradient);
}

Result by_our_loops(const TransformerConfig& config, const torch::Tensor& parameters, const Batch& batch,
                    torch::ScalarType type) {
  const torch::Tensor gradient = torch::zeros_like(parameters);
  Transformer model(config, parameters.to(type), gradient);
  return result_of(model, batch, gradient);
}

double apart(const torch::Tensor& a, const torch::Tensor& b) { return ((a - b).norm() / b.norm()).item<double>(); }

class NativeTraining : public ::testing::TestWithParam<Case> {
 protected:
  NativeTraining() {
    torch::manual_seed(11);
    parameters_ = initial_parameters(make_layout(config_), 7);
    // Biases and norms that matter.
    parameters_ += 0.02 * torch::randn_like(parameters_);
    batch_ = random_batch(config_.vocabulary_size);
  }
  const TransformerConfig config_ = config_of(GetParam());
  torch::Tensor parameters_;
  Batch batch_;
};

TEST_P(NativeTraining, FloatsFollowTheOperators) {
  const Result expected = by_operators(config_, parameters_, batch_);
  const Result ours = by_our_loops(config_, parameters_, batch_, torch::kFloat32);
  EXPECT_NEAR(ours.loss, expected.loss, 1e-5 * expected.loss);
  EXPECT_NEAR(ours.negative_log_likelihood, expected.negative_log_likelihood, 1e-5 * expected.loss);
  EXPECT_LT(apart(ours.gradient, expected.gradient), 1e-5);
}

TEST_P(NativeTraining, Bfloat16FollowsTheOperators) {
  if (!Transformer::binds_gradients(config_, torch::kBFloat16, torch::kCPU)) {
    GTEST_SKIP() << "this processor does not multiply bfloat16";
  }
  // Of the same rounded parameters, so that only the rounding on the way differs.
  const torch::Tensor rounded = parameters_.to(torch::kBFloat16).to(torch::kFloat32);
  const Result expected = by_operators(config_, rounded, batch_);
  const Result ours = by_our_loops(config_, rounded, batch_, torch::kBFloat16);
  const Result theirs = by_operators(config_, rounded, batch_, torch::kBFloat16);
  EXPECT_NEAR(ours.loss, expected.loss, 3e-3 * expected.loss);
  // As near as the operators, which round at other places.
  EXPECT_LT(apart(ours.gradient, expected.gradient), 1.25 * apart(theirs.gradient, expected.gradient));
}

TEST_P(NativeTraining, GradientsAreEqualTheSecondTime) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    if (!Transformer::binds_gradients(config_, type, torch::kCPU)) continue;
    const Result first = by_our_loops(config_, parameters_, batch_, type);
    const Result second = by_our_loops(config_, parameters_, batch_, type);
    EXPECT_EQ(first.loss, second.loss);
    EXPECT_TRUE(torch::equal(first.gradient, second.gradient));
  }
}

/// Gradient checkpointing, by our own loops and by operators.
TEST_P(NativeTraining, RecomputedLayersGiveTheSameGradient) {
  for (const auto type : {torch::kFloat32, torch::kBFloat16, torch::kFloat64}) {
    torch::Tensor gradients[2];
    for (const bool recompute : {false, true}) {
      const bool bound = Transformer::binds_gradients(config_, type, torch::kCPU);
      const torch::Tensor gradient = torch::zeros(parameters_.sizes(), bound ? torch::kFloat32 : type);
      Transformer model(config_, parameters_.to(type), bound ? gradient : torch::Tensor());
      model.recompute_layers(recompute);
      const auto views = parameter_views(model.layout(), gradient);
      for (std::size_t i = 0; i < views.size() && !bound; ++i) model.parameters()[i].mutable_grad() = views[i];
      gradients[recompute] = result_of(model, batch_, gradient).gradient;
    }
    EXPECT_GT(gradients[0].norm().item<double>(), 0.0);
    EXPECT_TRUE(torch::allclose(gradients[0], gradients[1], 1e-6, 1e-9)) << type;
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, NativeTraining,
                         ::testing::Values(Case{64, 96, 4, 150, NormOrder::pre, true},
                                           Case{64, 96, 4, 150, NormOrder::post, true},
                                           Case{128, 256, 2, 1200, NormOrder::pre, false},
                                           Case{20, 34, 2, 61, NormOrder::post, false},
                                           Case{36, 30, 6, 513, NormOrder::pre, true}));

}  // namespace
}  // namespace rest
