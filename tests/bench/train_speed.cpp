// Times updates of the trainer, and says their losses: what tests/bench/train_peers.sh compares with others.
//
//   mpirun -n 2 --bind-to core train_speed EXPERIMENT.toml --policy DIR --corpus FILE --warm 1 --updates 4
//
// Prints one JSON object. Of the updates from the first one on: `loss`, `tokens` (target pieces, end pieces included)
// and `source_tokens`; `seconds` of those behind the first `warm`, by the wall clock of the slowest rank; `peak_bytes`
// of the rank that took most memory. With --list it trains nothing, and prints the examples of each update as positions
// in the corpus. With --candidates N each source has N targets, all its own one, of which up to --together stand in an
// update and share the encoder pass.

#include <ATen/Parallel.h>
#include <torch/cuda.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>

#include "rest/store/corpus.hpp"
#include "rest/train/behaviour_cloning.hpp"

namespace rest {
namespace {

struct Request {
  std::string experiment, policy, corpus, device = "cpu";
  std::vector<std::string> overrides;
  std::int64_t warm = 0, updates = 1, candidates = 1, together = 1;
  int threads = 1;
  bool list = false;
};

void add_options(CLI::App& app, Request& request) {
  app.add_option("EXPERIMENT", request.experiment, "Experiment file: [train], and dropout of [model]")->required();
  app.add_option("--policy", request.policy, "Directory of the policy to start from")->required();
  app.add_option("--corpus", request.corpus, "Encoded corpus")->required();
  app.add_option("--set", request.overrides, "Overrides a key: section.key=value")->expected(1)->take_all();
  app.add_option("--warm", request.warm, "Updates before the clock starts");
  app.add_option("--updates", request.updates, "Updates that are timed");
  app.add_option("--candidates", request.candidates, "Targets of each source");
  app.add_option("--together", request.together, "Candidates of a source that share its encoder pass");
  app.add_option("--threads", request.threads, "Computing threads of each rank");
  app.add_option("--device", request.device, "cpu, or cuda: one GPU a rank");
  app.add_flag("--list", request.list, "Print the examples of the updates");
}

/// Each pair several times, as a source with so many candidates; as many as a window holds, which in a Grow step has
/// all candidates of its sources.
class Candidates : public Dataset {
 public:
  Candidates(const Dataset& pairs, std::int64_t count) : pairs_(pairs), count_(static_cast<std::size_t>(count)) {}
  std::size_t size() const override {
    return count_ == 1 ? pairs_.size() : std::min(pairs_.size(), ShuffledData::window_examples / count_) * count_;
  }
  Example get(std::size_t i) const override {
    Example example = pairs_.get(i / count_);
    example.id = i;
    return example;
  }

 private:
  const Dataset& pairs_;
  std::size_t count_;
};

struct UpdateSums {
  double loss = 0.0, tokens = 0.0, source_tokens = 0.0;
};

/// Cross-entropy that notes what passes through it.
class NotingLoss : public Loss {
 public:
  explicit NotingLoss(double smoothing) : loss_(smoothing) {}

  LossSum operator()(const Transformer& model, const Batch& batch, Dropout& dropout) const override {
    const LossSum sum = loss_(model, batch, dropout);
    sums_.loss += sum.loss.item<double>();
    sums_.tokens += sum.count;
    sums_.source_tokens += static_cast<double>(batch.sources.rows());
    return sum;
  }

  /// Of all leaves since the last call, on all ranks.
  UpdateSums take(const Communicator& world) {
    const std::vector<double> own{sums_.loss, sums_.tokens, sums_.source_tokens};
    sums_ = {};
    UpdateSums total;
    const auto all = all_gather(world, Span<const double>(own));
    for (std::size_t i = 0; i < all.size(); i += own.size()) {
      total.loss += all[i];
      total.tokens += all[i + 1];
      total.source_tokens += all[i + 2];
    }
    return total;
  }

 private:
  CrossEntropyLoss loss_;
  mutable UpdateSums sums_;
};

nlohmann::json list_updates(const ShuffledData& data, const TrainerOptions& options, std::int64_t updates) {
  BatchPlan plan(data, options.seed, {options.tokens_per_update, 1});
  BatchCursor cursor;
  nlohmann::json list;
  for (std::int64_t i = 0; i < updates; ++i) {
    nlohmann::json ids;
    const auto leaves = plan.next(cursor);
    for (const std::size_t example : leaves.front()) ids.push_back(plan.examples().get(example).id);
    list.push_back(ids);
  }
  return list;
}

nlohmann::json time_updates(const Communicator& world, Policy start, const Corpus& corpus,
                            const TrainerOptions& options, double smoothing, const Request& request) {
  using Clock = std::chrono::steady_clock;
  const torch::Device device = start.parameters.device();
  const CorpusDataset pairs(corpus);
  const Candidates candidates(pairs, request.candidates);
  const ShuffledDataset data(candidates);
  NotingLoss loss(smoothing);
  Trainer trainer(world, options, {std::move(start), data, loss, {}, {}, {}, "train"});
  nlohmann::json result;
  auto begin = Clock::now();
  for (std::int64_t i = 0; i < request.warm + request.updates; ++i) {
    if (i == request.warm) {
      barrier(world);
      begin = Clock::now();
    }
    trainer.time_update();
    const UpdateSums sums = loss.take(world);
    result["loss"].push_back(sums.loss / sums.tokens);
    result["tokens"].push_back(sums.tokens);
    result["source_tokens"].push_back(sums.source_tokens);
  }
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
  barrier(world);
  result["seconds"] = std::chrono::duration<double>(Clock::now() - begin).count();
  result["peak_bytes"] = largest(world, static_cast<double>(peak_memory(device)));
  return result;
}

int body(const Communicator& world, int argc, char** argv) {
  CLI::App app("Times updates of the trainer", "train_speed");
  Request request;
  add_options(app, request);
  CLI11_PARSE(app, argc, argv);
  const torch::Device device = choose_device(world, request.device);
  at::set_num_threads(request.threads);
  const Experiment experiment = load_experiment(request.experiment, request.overrides);
  TrainerOptions options = trainer_options(experiment.train, resolve_preset(experiment.model).dropout);
  options.candidates_together = request.together;
  const Corpus corpus = read_corpus(request.corpus);
  const CorpusDataset pairs(corpus);
  const nlohmann::json result = request.list ? list_updates(ShuffledDataset(pairs), options, request.updates)
                                             : time_updates(world, load_policy(request.policy).to(device), corpus,
                                                            options, experiment.train.label_smoothing, request);
  if (world.is_root()) std::cout << result.dump() << std::endl;
  return 0;
}

}  // namespace
}  // namespace rest

int main(int argc, char** argv) { return rest::run_main(argc, argv, rest::body); }
