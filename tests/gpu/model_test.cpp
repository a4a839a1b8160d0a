#include <gtest/gtest.h>
#include <torch/torch.h>

#include "gpu.hpp"
#include "rest/model/dropout.hpp"
#include "rest/train/adam.hpp"
#include "rest/train/loss.hpp"
#include "unit/grow/random_model.hpp"

namespace rest {
namespace {

using grow_test::random_model;
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
  for (std::int64_t update = 1; update <= 20; ++update) {
    const auto sum = torch::randn({5000}), sum_there = sum.to(gpu());
    const GradientSum gradient{{sum.data_ptr<float>(), 5000}}, gradient_there{{sum_there.data_ptr<float>(), 5000}};
    const double norm = here.update(gradient, 4.0, 1e-2, update);
    EXPECT_NEAR(there.update(gradient_there, 4.0, 1e-2, update), norm, 1e-5 * norm);
  }
  const auto expected = here.state(), state = there.state();
  for (std::size_t i = 0; i < state.size(); ++i) {
    EXPECT_TRUE(torch::allclose(state[i].second.cpu(), expected[i].second, 1e-4, 1e-6)) << state[i].first;
  }
}

/// Pairs of the generator's tests.
class Pairs : public Dataset {
 public:
  std::size_t size() const override { return all_.size(); }
  Example get(std::size_t i) const override { return {all_[i].tokens, all_[i].original, 1.0f, i}; }

 private:
  Sources sources_{9};
  std::vector<GenerateSource> all_ = sources_.all();
};

/// Loss with its gradient, under dropout: forward, cross-entropy and backward.
std::pair<double, torch::Tensor> loss_and_gradient(torch::Device device, torch::ScalarType type) {
  const Pairs pairs;
  const std::vector<std::size_t> rows{0, 3, 4, 8};
  const Batch batch = make_batch(pairs, rows).to(device);
  const Transformer host = random_model(small_config(), type);
  torch::Tensor flat = torch::zeros({host.layout().elements}, type);
  const auto into = parameter_views(host.layout(), flat);
  Transformer source = host;
  for (std::size_t i = 0; i < into.size(); ++i) into[i].copy_(source.parameters()[i]);
  Transformer model(small_config(), flat.to(device));
  for (auto& parameter : model.parameters()) parameter.requires_grad_(true);
  Dropout dropout(0.1, 1, 2);
  const LossSum sum = CrossEntropyLoss(0.1)(model, batch, dropout);
  sum.loss.backward();
  std::vector<torch::Tensor> gradients;
  for (auto& parameter : model.parameters()) gradients.push_back(parameter.grad().flatten().cpu());
  return {sum.loss.item<double>(), torch::cat(gradients)};
}

TEST(CudaTransformer, LossAndGradientAreThoseOfTheCpu) {
  NEEDS_A_GPU();
  for (const auto& [type, tolerance] :
       {std::pair{torch::kFloat64, 1e-9}, {torch::kFloat32, 1e-4}, {torch::kBFloat16, 5e-2}}) {
    const auto here = loss_and_gradient(torch::kCPU, type), there = loss_and_gradient(gpu(), type);
    EXPECT_NEAR(there.first, here.first, tolerance * here.first);
    const auto difference = (there.second - here.second).to(torch::kFloat64).norm().item<double>();
    EXPECT_LT(difference, tolerance * here.second.to(torch::kFloat64).norm().item<double>()) << "gradient, " << type;
    const auto again = loss_and_gradient(gpu(), type);
    EXPECT_EQ(again.first, there.first);
    EXPECT_TRUE(torch::equal(again.second, there.second)) << type << ": another gradient the second time";
  }
}

}  // namespace
}  // namespace rest
