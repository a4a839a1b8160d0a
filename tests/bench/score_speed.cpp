// Speed of a learned reward: candidates of several sources judged as rest_score does, and its share of the speed of
// plain matrix products in the same process.
//
//   score_speed --preset mini --sources 32 --candidates 32 --pieces 24     one JSON object
//
// `flop` counts the products of layers, of the vocabulary and of the head, not attention's; `peak_gflops` is that of
// [1024, hidden] times [hidden, feed_forward].

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>

#include "rest/core/experiment.hpp"
#include "rest/reward/quality.hpp"

namespace rest {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Sources of equal length, each with distinct candidates about as long.
class Candidates : public Dataset {
 public:
  Candidates(std::int64_t sources, std::int64_t candidates, std::int64_t pieces, std::int64_t vocabulary)
      : candidates_(static_cast<std::size_t>(candidates)), pieces_(static_cast<std::size_t>(pieces)) {
    const torch::Tensor all = torch::randint(4, vocabulary, {sources * (1 + candidates) * pieces}, torch::kInt64);
    for (std::int64_t i = 0; i < all.numel(); ++i)
      tokens_.push_back(static_cast<Token>(all.data_ptr<std::int64_t>()[i]));
  }
  std::size_t size() const override { return tokens_.size() / pieces_ / (1 + candidates_) * candidates_; }
  Example get(std::size_t i) const override {
    const std::size_t source = i / candidates_;
    return {row(source * (1 + candidates_)), row(source * (1 + candidates_) + 1 + i % candidates_), 1.0f, i};
  }

 private:
  Span<const Token> row(std::size_t number) const { return {tokens_.data() + number * pieces_, pieces_}; }

  std::size_t candidates_, pieces_;
  std::vector<Token> tokens_;
};

double flop_of(const TransformerConfig& c, double sources, double candidates, double pieces) {
  const double h = static_cast<double>(c.hidden), ff = static_cast<double>(c.feed_forward);
  const double block = 4.0 * h * h + 2.0 * h * ff, rows = pieces + 1.0;
  const double head = h * static_cast<double>(estimator_inputs(c));
  const auto encoder = static_cast<double>(c.encoder_layers), decoder = static_cast<double>(c.decoder_layers);
  if (c.estimator == Estimator::joint) return 2.0 * sources * candidates * 2.0 * rows * (encoder * block + head);
  const double of_source = encoder * block + decoder * 2.0 * h * h;
  const double of_target = decoder * (block + 2.0 * h * h) + h * static_cast<double>(c.vocabulary_size) + head;
  return 2.0 * sources * rows * (of_source + candidates * of_target);
}

double peak_of(const TransformerConfig& config, torch::ScalarType type) {
  const torch::Tensor x = torch::randn({1024, config.hidden}).to(type),
                      w = torch::randn({config.feed_forward, config.hidden}).to(type);
  double best = 0.0;
  for (int window = 0; window < 5; ++window) {
    const auto begin = Clock::now();
    double flop = 0.0;
    for (; seconds_since(begin) < 0.1; flop += 2.0 * static_cast<double>(1024 * w.numel())) torch::linear(x, w);
    best = std::max(best, flop / seconds_since(begin));
  }
  return best;
}

int run(int argc, char** argv) {
  CLI::App app("Times a learned reward", "score_speed");
  std::string preset = "mini", architecture = "predictor", precision = "float32";
  std::int64_t sources = 32, candidates = 32, pieces = 24, vocabulary = 8000;
  int threads = 1, rounds = 3;
  app.add_option("--preset", preset, "Shape of the model");
  app.add_option("--architecture", architecture, "predictor or joint");
  app.add_option("--precision", precision, "float32 or bfloat16");
  app.add_option("--sources", sources, "Sources");
  app.add_option("--candidates", candidates, "Candidates of each");
  app.add_option("--pieces", pieces, "Length of all texts");
  app.add_option("--vocabulary", vocabulary, "Pieces of the vocabulary");
  app.add_option("--threads", threads, "Computing threads");
  app.add_option("--rounds", rounds, "The best of so many");
  CLI11_PARSE(app, argc, argv);
  at::set_num_threads(threads);
  ModelOptions options;
  options.preset = preset;
  Policy policy;
  policy.config = make_config(options, vocabulary);
  policy.config.estimator = architecture == "joint" ? Estimator::joint : Estimator::predictor;
  if (policy.config.estimator == Estimator::joint) policy.config.vocabulary_size *= 2, policy.config.decoder_layers = 0;
  policy.parameters = initial_parameters(make_layout(policy.config), 1);
  const Candidates dataset(sources, candidates, pieces, vocabulary);
  const Transformer model = policy.model(precision);
  predict_quality(model, dataset);
  double seconds = 1e9;
  for (int round = 0; round < rounds; ++round) {
    const auto begin = Clock::now();
    predict_quality(model, dataset);
    seconds = std::min(seconds, seconds_since(begin));
  }
  const double flop = flop_of(policy.config, static_cast<double>(sources), static_cast<double>(candidates),
                              static_cast<double>(pieces)),
               peak = peak_of(policy.config, scalar_type(precision));
  std::cout << nlohmann::json{{"preset", preset},
                              {"architecture", architecture},
                              {"precision", precision},
                              {"candidates_per_second", static_cast<double>(dataset.size()) / seconds},
                              {"pieces_per_second",
                               static_cast<double>(dataset.size()) * static_cast<double>(pieces + 1) / seconds},
                              {"seconds", seconds},
                              {"flop", flop},
                              {"gflops", flop / seconds / 1e9},
                              {"peak_gflops", peak / 1e9},
                              {"peak_share", flop / seconds / peak}}
                   .dump()
            << std::endl;
  return 0;
}

}  // namespace
}  // namespace rest

int main(int argc, char** argv) { return rest::run(argc, argv); }
