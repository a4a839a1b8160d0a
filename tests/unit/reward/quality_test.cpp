// The estimator against finite differences, its own definition, and LibTorch's operators in float64.
#include "rest/reward/quality.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "reward/thoughts.hpp"

namespace rest {
namespace {

TransformerConfig config_of(Estimator estimator) {
  TransformerConfig config;
  config.vocabulary_size = estimator == Estimator::joint ? 60 : 30;
  config.hidden = 16;
  config.feed_forward = 24;
  config.heads = 2;
  config.encoder_layers = 2;
  config.decoder_layers = estimator == Estimator::joint ? 0 : 2;
  config.estimator = estimator;
  return config;
}

/// Five translations of three sources.
Batch some_batch() {
  Batch batch;
  batch.sources = make_sequences({7, 1, 4}, {3, 1, 4});
  batch.targets = make_sequences({5, 1, 9, 2, 6}, {15, 9, 26, 53, 5});
  batch.readers = make_readers({2, 1, 2});
  torch::manual_seed(5);
  batch.source = torch::randint(30, {batch.sources.rows()}, torch::kInt64);
  batch.target_in = torch::randint(30, {batch.targets.rows()}, torch::kInt64);
  batch.target_out = torch::randint(30, {batch.targets.rows()}, torch::kInt64);
  const std::vector<float> weights{1.0f, 1.0f, 0.5f, 2.0f, 0.25f};
  std::vector<float> of_rows;
  for (std::size_t t = 0; t < weights.size(); ++t)
    of_rows.resize(of_rows.size() + static_cast<std::size_t>(batch.targets.length(static_cast<std::int64_t>(t))),
                   weights[t]);
  batch.token_weight = torch::tensor(of_rows);
  batch.ratings = torch::tensor({0.9f, 0.2f, 0.5f, 0.0f, 1.0f});
  return batch;
}

class QualityTest : public ::testing::TestWithParam<Estimator> {
 protected:
  QualityTest() {
    torch::manual_seed(11);
    parameters_ = initial_parameters(make_layout(config_), 7);
    parameters_ += 0.05 * torch::randn_like(parameters_);  // biases and norms that matter
    parameters_ = parameters_.to(torch::kBFloat16).to(torch::kFloat32);
  }
  double loss(const torch::Tensor& parameters) const {
    const torch::NoGradGuard no_gradient;
    Dropout dropout(0.2, 5, 3);
    return QualityLoss(0.7)(Transformer(config_, parameters), batch_, dropout).loss.item<double>();
  }
  LossSum differentiated(Transformer& model) const {
    for (auto& parameter : model.parameters()) parameter.requires_grad_(true);
    Dropout dropout(0.2, 5, 3);
    const LossSum sum = QualityLoss(0.7)(model, batch_, dropout);
    sum.loss.backward();
    return sum;
  }
  /// By LibTorch's operators.
  torch::Tensor gradient_in(torch::ScalarType type) const {
    Transformer model(config_, parameters_.to(type));
    const torch::Tensor gradient = torch::zeros(parameters_.sizes(), type);
    const auto views = parameter_views(model.layout(), gradient);
    for (std::size_t i = 0; i < views.size(); ++i) model.parameters()[i].mutable_grad() = views[i];
    differentiated(model);
    return gradient.to(torch::kFloat64);
  }
  static double apart(const torch::Tensor& a, const torch::Tensor& b) {
    return ((a.to(torch::kFloat64) - b).norm() / b.norm()).item<double>();
  }

  const TransformerConfig config_ = config_of(GetParam());
  torch::Tensor parameters_;
  const Batch batch_ = some_batch();
};

/// Log-probabilities and the like are features without a gradient: only directions that leave them alone can be checked
/// for the predictor, those of the head.
TEST_P(QualityTest, GradientIsThatOfFiniteDifferences) {
  const torch::Tensor parameters = parameters_.to(torch::kFloat64), gradient = gradient_in(torch::kFloat64);
  const auto layout = make_layout(config_);
  int checked = 0;
  for (const ParameterSpec& spec : layout.specs) {
    if (GetParam() == Estimator::predictor && spec.name.rfind("estimator.", 0) != 0) continue;
    torch::Tensor direction = torch::zeros_like(parameters);
    direction.narrow(0, spec.offset, spec.elements).normal_();
    constexpr double step = 1e-6;
    const double difference = (loss(parameters + step * direction) - loss(parameters - step * direction)) / (2 * step);
    const double expected = (gradient * direction).sum().item<double>();
    EXPECT_NEAR(difference, expected, 1e-6 * (1.0 + std::abs(expected))) << spec.name;
    ++checked;
  }
  EXPECT_GE(checked, 6);
}

TEST_P(QualityTest, EveryParameterHasAGradient) {
  const torch::Tensor gradient = gradient_in(torch::kFloat64);
  for (const ParameterSpec& spec : make_layout(config_).specs)
    EXPECT_GT(gradient.narrow(0, spec.offset, spec.elements).abs().max().item<double>(), 0.0) << spec.name;
}

TEST_P(QualityTest, OurLoopsFollowTheOperators) {
  const torch::Tensor expected = gradient_in(torch::kFloat64);
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    if (!Transformer::binds_gradients(config_, type, torch::kCPU)) continue;
    const torch::Tensor gradient = torch::zeros_like(parameters_);
    Transformer model(config_, parameters_.to(type), gradient);
    const LossSum sum = differentiated(model);
    EXPECT_NEAR(sum.loss.item<double>() / loss(parameters_.to(torch::kFloat64)), 1.0,
                type == torch::kFloat32 ? 1e-5 : 2e-2);
    // In bfloat16 as near as the operators, which round at other places.
    EXPECT_LT(apart(gradient, expected), type == torch::kFloat32 ? 1e-4 : 1.5 * apart(gradient_in(type), expected));
  }
}

TEST_P(QualityTest, LossIsItsDefinition) {
  Dropout none;
  const Transformer model(config_, parameters_.to(torch::kFloat64));
  const torch::Tensor logits = quality_logits(model, batch_, none);
  const auto z = [&](int i) { return logits[i].item<double>(); };
  const auto log_sigmoid = [](double x) { return -std::log1p(std::exp(-x)); };
  const double weights[] = {1.0, 1.0, 0.5, 2.0, 0.25}, ratings[] = {0.9, 0.2, 0.5, 0.0, 1.0};
  double expected = 0.0;
  for (int i = 0; i < 5; ++i)
    expected -= weights[i] * (ratings[i] * log_sigmoid(z(i)) + (1.0 - ratings[i]) * log_sigmoid(-z(i)));
  const double regression = expected;
  expected -= 0.7 * 2.0 * 0.7 * log_sigmoid(z(0) - z(1));  // 0.9 against 0.2
  expected -= 0.7 * 2.0 * 1.0 * std::sqrt(2.0 * 0.25) * log_sigmoid(z(4) - z(3));
  Dropout again;
  const LossSum sum = QualityLoss(0.7)(model, batch_, again);
  EXPECT_NEAR(sum.loss.item<double>(), expected, 1e-6);
  EXPECT_NEAR(sum.negative_log_likelihood, regression, 1e-6);
  EXPECT_NEAR(sum.count, 4.75, 1e-9);
}

TEST_P(QualityTest, ATranslationIsJudgedAlone) {
  class Pairs : public Dataset {
   public:
    std::size_t size() const override { return 40; }
    Example get(std::size_t i) const override {
      const std::size_t source = i / 4;
      return {Span<const Token>(tokens_.data() + source, 1 + source % 7),
              Span<const Token>(tokens_.data() + 20 + i, i % 9), 1.0f, i};
    }

   private:
    std::vector<Token> tokens_ = [] {
      std::vector<Token> tokens;
      for (Token i = 0; i < 80; ++i) tokens.push_back((i * 7 + 4) % 30);
      return tokens;
    }();
  };
  class One : public Pairs {
   public:
    explicit One(std::size_t which) : which_(which) {}
    std::size_t size() const override { return 1; }
    Example get(std::size_t) const override { return Pairs::get(which_); }

   private:
    std::size_t which_;
  };
  const Transformer model(config_, parameters_);
  const std::vector<double> together = predict_quality(model, Pairs()), shared = predict_quality({}, model, Pairs());
  EXPECT_EQ(together, shared);
  for (std::size_t i = 0; i < 40; ++i) EXPECT_NEAR(predict_quality(model, One(i))[0], together[i], 1e-5) << i;
}

INSTANTIATE_TEST_SUITE_P(Architectures, QualityTest, ::testing::Values(Estimator::predictor, Estimator::joint),
                         [](const auto& info) { return to_string(info.param); });

/// The predictor's features: a translation whose pieces the policy finds likely, and one that is not.
TEST(PredictorTest, SeesWhatThePolicyThinksOfEachPiece) {
  const TransformerConfig config = config_of(Estimator::predictor);
  torch::Tensor parameters = initial_parameters(make_layout(config), 7);
  for (const ParameterSpec& spec : make_layout(config).specs) {  // a head that hands on the log-probability
    torch::Tensor view = parameters.narrow(0, spec.offset, spec.elements).view(spec.shape);
    if (spec.name.rfind("estimator.", 0) == 0) view.zero_();
    if (spec.name == "estimator.token.weight") view[0][config.hidden] = -1.0;
    if (spec.name == "estimator.pooled.weight") view[0][0] = 1.0;
    if (spec.name == "estimator.score.weight") view[0][0] = 4.0;
  }
  const Batch batch = some_batch();
  const Transformer model(config, parameters);
  Dropout none, again;
  const torch::Tensor logits = quality_logits(model, batch, none);
  const torch::Tensor hidden =
      model.decode(batch.target_in, batch.targets, model.encode(batch.source, batch.sources, again), batch.sources,
                   batch.readers, again);
  const torch::Tensor said =
      torch::log_softmax(model.project(hidden), -1).gather(1, batch.target_out.unsqueeze(1)).squeeze(1);
  for (std::int64_t t = 0; t < batch.targets.size(); ++t) {
    const torch::Tensor own =
        said.narrow(0, batch.targets.starts[static_cast<std::size_t>(t)], batch.targets.length(t));
    EXPECT_NEAR(logits[t].item<float>(), own.mean().item<float>(), 1e-4) << t;
  }
}

/// Our loops and operators against float64, for vocabularies of any size.
TEST(PredictorTest, ThoughtsAreThoseOfTheSoftmax) {
  for (const std::int64_t vocabulary : {5, 16, 33, 700}) {
    TransformerConfig config = config_of(Estimator::predictor);
    config.vocabulary_size = vocabulary;
    const Policy policy{config, initial_parameters(make_layout(config), 3), "", ""};
    torch::manual_seed(2);
    const torch::Tensor hidden = 3.0 * torch::randn({300, config.hidden}),
                        pieces = torch::randint(vocabulary, {300}, torch::kInt64);
    const Transformer model = policy.model();
    const torch::Tensor all = torch::log_softmax(model.project(hidden).to(torch::kFloat64), -1),
                        said = all.gather(1, pieces.unsqueeze(1));
    const torch::Tensor expected = torch::cat({said, -(all.exp() * all).sum(-1, true), all.amax(-1, true) - said}, 1);
    EXPECT_TRUE(torch::allclose(thoughts(model, hidden, pieces).to(torch::kFloat64), expected, 1e-4, 1e-5));
    EXPECT_TRUE(
        torch::allclose(thoughts(policy.model("float64"), hidden.to(torch::kFloat64), pieces).to(torch::kFloat64),
                        expected, 1e-4, 1e-5));
  }
}

}  // namespace
}  // namespace rest
