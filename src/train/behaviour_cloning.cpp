#include "rest/train/behaviour_cloning.hpp"

#include <ATen/Parallel.h>

#include <cmath>

#include "rest/comm/agreement.hpp"
#include "rest/comm/build_info.hpp"
#include "rest/core/counted.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/signals.hpp"
#include "rest/store/corpus.hpp"
#include "rest/train/validation.hpp"

namespace rest {

TrainerOptions trainer_options(const TrainOptions& train, double dropout) {
  TrainerOptions options;
  options.seed = static_cast<std::uint64_t>(train.seed);
  options.precision = train.precision;
  options.leaves = train.leaves;
  options.tokens_per_update = train.tokens_per_update;
  options.max_updates = train.max_updates;
  options.learning_rate = train.learning_rate;
  options.warmup_updates = train.warmup_updates;
  options.adam = {train.adam_beta1, train.adam_beta2, train.adam_epsilon, train.clip_norm, train.average_decay};
  options.dropout = dropout;
  options.evaluate_every = train.validate_every;
  options.patience = train.patience;
  options.checkpoint_every = train.checkpoint_every;
  options.keep_checkpoints = train.keep_checkpoints;
  options.gradient_checkpointing = train.gradient_checkpointing;
  if (train.shard_optimizer) options.optimizer = TrainerOptions::Optimizer::sharded;
  return options;
}

namespace {

/// Weights to start from: fresh ones, or those of another policy of the same shape and tokenizer.
Policy starting_policy(const Experiment& experiment, const Corpus& corpus) {
  Policy policy;
  policy.config = make_config(experiment.model, corpus.vocabulary_size);
  policy.tokenizer_digest = corpus.tokenizer_digest;
  if (experiment.train.initial_policy.empty()) {
    policy.parameters =
        initial_parameters(make_layout(policy.config), static_cast<std::uint64_t>(experiment.train.seed));
    return policy;
  }
  const Policy given = load_policy(experiment.train.initial_policy);
  require_tokenizer(given, corpus.tokenizer_digest, "the training corpus");
  auto same_shape = to_json(given.config);
  same_shape["dropout"] = policy.config.dropout;
  if (same_shape != to_json(policy.config)) {
    throw Error("train.initial_policy " + experiment.train.initial_policy + " has another shape than [model] says",
                to_json(given.config).dump(), "give [model] the same sizes");
  }
  policy.parameters = given.parameters;
  policy.digest = given.digest;
  return policy;
}

/// What changes the result of BC training: all of [train] but how often it saves and what is kept where.
Lineage training_lineage(const Experiment& experiment, const Policy& start, const Corpus& corpus, const Corpus& valid) {
  auto options = options_json(experiment.train);
  for (const char* harmless :
       {"initial_policy", "checkpoint_every", "keep_checkpoints", "shard_optimizer", "gradient_checkpointing"}) {
    options.erase(harmless);
  }
  return make_lineage("policy",
                      {{"corpus", corpus.digest}, {"validation", valid.digest}, {"initial_policy", start.digest}},
                      {{"train", options}, {"model", to_json(start.config)}});
}

}  // namespace

int run_behaviour_cloning(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                          torch::Device device) {
  const Corpus corpus = read_corpus(run.corpus("train")), valid = read_corpus(run.corpus("valid"));
  stop_point(world);
  if (!corpus.has_target()) throw Error(run.corpus("train").string() + " has no targets", "", "give data.train_target");
  Policy start = starting_policy(experiment, corpus).to(device);
  const Lineage lineage = training_lineage(experiment, start, corpus, valid);
  const auto directory = run.initial_policy();
  stop_point(world);
  if (is_committed(directory / "model.safetensors", lineage) && is_committed(directory / "config.json", lineage)) {
    if (world.is_root()) log_info(directory.string() + " is complete");
    return exit_success;
  }
  if (world.is_root()) {
    log_info(concat("training g0-i0: ", corpus.size(), " pairs, ", make_layout(start.config).elements, " parameters, ",
                    counted(world.size(), "rank"), ", ", experiment.train.leaves, " leaves an update, ",
                    experiment.train.precision, ", ", device_name(device)));
  }
  const CorpusDataset pairs(corpus), validation(valid);
  const ShuffledDataset data(pairs);
  const CrossEntropyLoss loss(experiment.train.label_smoothing);
  const auto evaluate = [&](const Policy& policy) {
    const double nll = validation_loss(world, policy, validation, "float32");
    return Evaluation{-nll, {{"validation_loss", nll}, {"validation_perplexity", std::exp(nll)}}};
  };
  const TrainerOptions options = trainer_options(experiment.train, start.config.dropout);
  Trainer trainer(world, options,
                  {std::move(start), data, loss, evaluate, directory, lineage, "train g0-i0", run.progress_sink(),
                   run.logs() / "speed.g0-i0.jsonl"});
  const TrainingResult result = trainer.run();
  if (result.end == TrainingResult::End::stopped) return exit_stopped;
  if (world.is_root()) {
    save_policy(directory, result.best, lineage, made_by(world, at::get_num_threads(), result.devices));
    log_info(concat(directory.string(), ": complete, update ", result.best_update, ", validation perplexity ",
                    std::exp(-result.best_score)));
  }
  barrier(world);
  return exit_success;
}

}  // namespace rest
