#include "rest/train/cross_entropy.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace rest {
namespace {

/// The same loss from the library's own operators.
torch::Tensor reference_loss(const torch::Tensor& hidden, const torch::Tensor& embedding, const torch::Tensor& target,
                             const torch::Tensor& weight, double smoothing) {
  const auto log_p = torch::log_softmax(torch::linear(hidden, embedding), 1);
  const auto nll = -log_p.gather(1, target.unsqueeze(1)).squeeze(1);
  return (weight.to(hidden.scalar_type()) * ((1.0 - smoothing) * nll - smoothing * log_p.mean(1))).sum();
}

struct Problem {
  torch::Tensor hidden, embedding, target, weight;
};

Problem problem(torch::ScalarType type, std::int64_t tokens, std::int64_t vocabulary) {
  torch::manual_seed(4);
  const auto options = torch::TensorOptions(type);
  return {torch::randn({tokens, 8}, options).requires_grad_(true),
          torch::randn({vocabulary, 8}, options).requires_grad_(true),
          torch::randint(vocabulary, {tokens}, torch::kInt64), torch::rand({tokens}) * 3.0};
}

TEST(CrossEntropyTest, LossAndGradientsEqualTheReference) {
  for (const std::int64_t vocabulary : {5, 16, 100, 1003}) {
    for (const double smoothing : {0.0, 0.1}) {
      Problem ours = problem(torch::kFloat32, 1500, vocabulary);  // more than one block of tokens
      Problem theirs{ours.hidden.detach().clone().requires_grad_(true),
                     ours.embedding.detach().clone().requires_grad_(true), ours.target, ours.weight};
      const auto loss =
          projected_cross_entropy(ours.hidden, {ours.embedding, {}, {}}, ours.target, ours.weight, smoothing);
      loss.loss.backward();
      const auto expected = reference_loss(theirs.hidden, theirs.embedding, theirs.target, theirs.weight, smoothing);
      expected.backward();
      EXPECT_NEAR(loss.loss.item<double>(), expected.item<double>(), 1e-5 * expected.item<double>());
      EXPECT_LT((ours.hidden.grad() - theirs.hidden.grad()).abs().max().item<float>(), 1e-4f);
      EXPECT_LT((ours.embedding.grad() - theirs.embedding.grad()).abs().max().item<float>(), 2e-3f);
    }
  }
}

TEST(CrossEntropyTest, GradientEqualsFiniteDifferences) {
  Problem p = problem(torch::kFloat64, 4, 7);
  projected_cross_entropy(p.hidden, {p.embedding, {}, {}}, p.target, p.weight, 0.1).loss.backward();
  constexpr double step = 1e-5;
  for (torch::Tensor* parameter : {&p.hidden, &p.embedding}) {
    const auto gradient = parameter->grad().flatten();
    const auto flat = parameter->detach().flatten();  // shares memory
    for (std::int64_t i = 0; i < flat.numel(); ++i) {
      const torch::NoGradGuard no_gradient;
      const double value = flat[i].item<double>();
      flat[i] = value + step;
      const double above =
          projected_cross_entropy(p.hidden, {p.embedding, {}, {}}, p.target, p.weight, 0.1).loss.item<double>();
      flat[i] = value - step;
      const double below =
          projected_cross_entropy(p.hidden, {p.embedding, {}, {}}, p.target, p.weight, 0.1).loss.item<double>();
      flat[i] = value;
      EXPECT_NEAR(gradient[i].item<double>(), (above - below) / (2.0 * step), 1e-7);
    }
  }
}

TEST(CrossEntropyTest, LogLikelihoodIsWithoutSmoothing) {
  Problem p = problem(torch::kFloat32, 50, 30);
  const auto smoothed = projected_cross_entropy(p.hidden, {p.embedding, {}, {}}, p.target, p.weight, 0.2);
  const auto plain = reference_loss(p.hidden, p.embedding, p.target, p.weight, 0.0);
  EXPECT_NEAR(smoothed.negative_log_likelihood, plain.item<double>(), 1e-3);
}

TEST(CrossEntropyTest, HugeLogitsStayFinite) {
  auto hidden = torch::full({2, 1}, 300.0f).requires_grad_(true);
  auto embedding = torch::tensor({{-1.0f}, {0.0f}, {1.0f}}).requires_grad_(true);
  const auto loss = projected_cross_entropy(hidden, {embedding, {}, {}}, torch::tensor({0, 2}), torch::ones({2}), 0.0);
  loss.loss.backward();
  EXPECT_NEAR(loss.loss.item<double>(), 600.0, 1e-3);
  EXPECT_TRUE(torch::isfinite(hidden.grad()).all().item<bool>());
}

}  // namespace
}  // namespace rest
