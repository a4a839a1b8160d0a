#include "improve_steps.hpp"

#include <ATen/Parallel.h>

#include "rest/core/error.hpp"
#include "rest/core/philox.hpp"

namespace rest {

ImproveSteps::ImproveSteps(const Experiment& experiment, const RunDirectory& run, const ImproveRequest& request)
    : improve_(experiment.improve),
      request_(request),
      thresholds_(threshold_schedule(improve_.filter, improve_.thresholds, improve_.steps)),
      corpus_(run.corpus("train")),
      scored_(run.grow(request.grow_step), experiment.reward.name, corpus_) {
  const auto only = request.only_step;
  if (!only || (*only >= 0 && *only <= last())) return;
  throw UsageError(concat("--step ", *only, " is none of this experiment's Improve steps"), "",
                   concat("use 0 to ", last()));
}

std::vector<std::int64_t> ImproveSteps::requested() const {
  if (request_.only_step) return {*request_.only_step};
  std::vector<std::int64_t> steps;
  for (std::int64_t step = 0; step <= last(); ++step) steps.push_back(step);
  return steps;
}

std::string ImproveSteps::name(std::int64_t step) const {
  return concat(request_.variant, "/g", request_.grow_step, "-i", step);
}

StepCandidates ImproveSteps::candidates(std::int64_t step) const {
  return {filter(step), scored_, improve_.keep_unfinished ? Unfinished::as_any : Unfinished::left_out,
          static_cast<std::size_t>(at::get_num_threads())};
}

TrainerOptions ImproveSteps::trainer_options(std::int64_t step, double model_dropout) const {
  TrainerOptions options;
  options.seed = mix64(static_cast<std::uint64_t>(improve_.seed) ^ mix64(static_cast<std::uint64_t>(step)));
  options.precision = improve_.precision;
  options.leaves = improve_.leaves;
  options.tokens_per_update = improve_.tokens_per_update;
  options.max_updates = improve_.max_updates;
  options.learning_rate = improve_.learning_rate;
  for (std::int64_t i = 1; i < step; ++i) options.learning_rate *= improve_.learning_rate_decay;
  options.warmup_updates = improve_.warmup_updates;
  options.schedule = TrainerOptions::Schedule::constant;
  options.adam.clip_norm = improve_.clip_norm;
  options.adam.average_decay = improve_.average_decay;
  options.dropout = improve_.dropout < 0.0 ? model_dropout : improve_.dropout;
  options.evaluate_every = improve_.evaluate_every;
  options.patience = improve_.patience;
  options.evaluate_first = true;
  options.checkpoint_every = improve_.checkpoint_every;
  options.keep_checkpoints = improve_.keep_checkpoints;
  options.gradient_checkpointing = improve_.gradient_checkpointing;
  options.candidates_together = improve_.candidates_together;
  if (improve_.shard_optimizer) options.optimizer = TrainerOptions::Optimizer::sharded;
  return options;
}

nlohmann::json to_json(const RewardSummary& summary) {
  return {{"candidates", summary.candidates}, {"distinct", summary.distinct},
          {"originals", summary.originals},   {"unfinished", summary.unfinished},
          {"sources", summary.sources},       {"sources_empty", summary.sources_empty},
          {"tokens", summary.tokens},         {"mean_reward", summary.mean_reward}};
}

}  // namespace rest
