#include "rest/improve/improve_step.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <memory>

#include "rest/comm/agreement.hpp"
#include "rest/comm/build_info.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/philox.hpp"
#include "rest/core/signals.hpp"
#include "rest/eval/evaluator.hpp"
#include "rest/eval/halves.hpp"
#include "rest/grow/grow_step.hpp"
#include "rest/reward/reward.hpp"
#include "rest/select/view.hpp"
#include "rest/train/trainer.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

json to_json(const RewardSummary& summary) {
  return {{"candidates", summary.candidates}, {"distinct", summary.distinct},
          {"originals", summary.originals},   {"unfinished", summary.unfinished},
          {"sources", summary.sources},       {"sources_empty", summary.sources_empty},
          {"tokens", summary.tokens},         {"mean_reward", summary.mean_reward}};
}

/// All steps of one Grow step and variant.
class ImproveRun {
 public:
  ImproveRun(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
             const ImproveRequest& request)
      : world_(world),
        experiment_(experiment),
        run_(run),
        request_(request),
        grow_dir_(run.grow(request.grow_step)),
        corpus_(read_corpus(run.corpus("train"))),
        valid_(read_corpus(run.corpus("valid"))),
        tokenizer_(run.tokenizer()),
        reward_(make_reward(experiment.reward.name)),
        thresholds_(threshold_schedule(experiment.improve.thresholds, experiment.improve.steps)),
        grown_from_(load_policy(run.policy(policy_to_grow_from(run, request.variant, request.grow_step)))) {
    require_tokenizer(grown_from_, corpus_.tokenizer_digest, run.corpus("train").string());
    require_tokenizer(grown_from_, valid_.tokenizer_digest, run.corpus("valid").string());
  }

  std::int64_t steps() const { return static_cast<std::int64_t>(thresholds_.size()); }
  int run_step(std::int64_t step);
  void name_best() const;

 private:
  fs::path directory(std::int64_t step) const { return run_.improve(request_.variant, request_.grow_step, step); }
  /// The policy a step starts from.
  fs::path parent(std::int64_t step) const;
  std::optional<std::string> why_moot(std::int64_t step) const;
  TrainerOptions trainer_options(std::int64_t step) const;
  Evaluation sampled_reward(const Policy& policy) const;
  Lineage lineage(std::int64_t step, const Policy& start, const CandidateView& view) const;
  fs::path speed_log(std::int64_t step) const {
    return run_.logs() / concat("speed.", request_.variant, "_g", request_.grow_step, "-i", step, ".jsonl");
  }
  void announce(std::int64_t step, double threshold, const CandidateView& view) const;

  Communicator world_;
  const Experiment& experiment_;
  const RunDirectory& run_;
  ImproveRequest request_;
  fs::path grow_dir_;
  Corpus corpus_, valid_;
  Tokenizer tokenizer_;
  std::unique_ptr<Reward> reward_;
  std::vector<double> thresholds_;
  Policy grown_from_;
};

fs::path ImproveRun::parent(std::int64_t step) const {
  if (step <= 1) return run_.policy(policy_to_grow_from(run_, request_.variant, request_.grow_step));
  return directory(step - 1);
}

std::optional<std::string> ImproveRun::why_moot(std::int64_t step) const {
  if (step <= 1) return std::nullopt;
  const fs::path file = directory(step - 1) / "step.json";
  if (!find_committed(file)) {
    throw Error(concat("Improve step ", step, " needs step ", step - 1, " first"), file.string() + " is missing",
                concat("run rest_improve --step ", step - 1));
  }
  const json before = read_json(file);
  if (before.value("moot", false)) return before.at("reason").get<std::string>();
  if (experiment_.improve.stop_when_flat && !before.value("rose", true)) {
    return concat("step ", step - 1, " did not raise the reward");
  }
  return std::nullopt;
}

TrainerOptions ImproveRun::trainer_options(std::int64_t step) const {
  const ImproveOptions& improve = experiment_.improve;
  TrainerOptions options;
  options.seed = mix64(static_cast<std::uint64_t>(improve.seed) ^ mix64(static_cast<std::uint64_t>(step)));
  options.precision = improve.precision;
  options.leaves = improve.leaves;
  options.tokens_per_update = improve.tokens_per_update;
  options.max_updates = improve.max_updates;
  options.learning_rate = improve.learning_rate;
  for (std::int64_t i = 1; i < step; ++i) options.learning_rate *= improve.learning_rate_decay;
  options.warmup_updates = improve.warmup_updates;
  options.schedule = TrainerOptions::Schedule::constant;
  options.adam.clip_norm = improve.clip_norm;
  options.adam.average_decay = improve.average_decay;
  options.dropout = improve.dropout < 0.0 ? grown_from_.config.dropout : improve.dropout;
  options.evaluate_every = improve.evaluate_every;
  options.patience = improve.patience;
  options.evaluate_first = true;
  options.checkpoint_every = improve.checkpoint_every;
  options.keep_checkpoints = improve.keep_checkpoints;
  return options;
}

Evaluation ImproveRun::sampled_reward(const Policy& policy) const {
  GrowOptions sampling = experiment_.grow;
  sampling.temperature = experiment_.evaluate.temperature;
  sampling.samples = experiment_.improve.evaluate_samples;
  sampling.max_length = experiment_.evaluate.max_length;
  sampling.seed = experiment_.improve.seed;
  const EvaluationSet set{valid_, validation_half(valid_.size(), Half::select), tokenizer_, *reward_};
  const Outputs outputs =
      evaluate_outputs(world_, policy.model(experiment_.grow.precision), set, generate_options(sampling));
  double total = 0.0;
  for (const double reward : outputs.reward) total += reward;
  const double mean = total / static_cast<double>(outputs.reward.size());
  return {mean, {{"reward", mean}}};
}

Lineage ImproveRun::lineage(std::int64_t step, const Policy& start, const CandidateView& view) const {
  auto options = options_json(experiment_.improve);
  for (const char* harmless :
       {"grow_step", "steps", "thresholds", "stop_when_flat", "checkpoint_every", "keep_checkpoints"}) {
    options.erase(harmless);
  }
  return make_lineage(
      "policy",
      {{"policy", start.digest},
       {"candidates", view.digest()},
       {"corpus", corpus_.digest},
       {"validation", valid_.digest}},
      {{"improve", options},
       {"reward", experiment_.reward.name},
       {"step", step},
       {"threshold", step == 0 ? -1.0 : thresholds_[static_cast<std::size_t>(step - 1)]},
       {"evaluate",
        {{"temperature", experiment_.evaluate.temperature}, {"max_length", experiment_.evaluate.max_length}}}});
}

void ImproveRun::announce(std::int64_t step, double threshold, const CandidateView& view) const {
  if (!world_.is_root()) return;
  const RewardSummary &all = view.all(), &kept = view.kept();
  const auto share = [](std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  };
  log_info(concat("g", request_.grow_step, "-i", step, ": ",
                  step == 0 ? std::string("all of D_g") : concat("R > ", threshold), " keeps ", kept.candidates, " of ",
                  all.candidates, " candidates (", share(kept.candidates, all.candidates), " %), mean reward ",
                  kept.mean_reward, "; ", kept.sources_empty, " of ", kept.sources,
                  " sources keep none; sampled share ", view.sampled_share()));
  if (step != 1) return;
  // Algorithm 1 asks for tau_1 >= V_pi: only then does every kept candidate beat the policy's mean.
  if (threshold >= all.mean_reward) {
    log_info(concat("tau_1 = ", threshold, " is at or above V_pi = ", all.mean_reward, ", as algorithm 1 wants"));
  } else {
    log_warning(concat("tau_1 = ", threshold, " is below V_pi = ", all.mean_reward,
                       ": some kept candidates are worse than the policy's mean; used as given"));
  }
}

int ImproveRun::run_step(std::int64_t step) {
  const fs::path directory = this->directory(step);
  const fs::path record = directory / "step.json";
  const double threshold = step == 0 ? -1.0 : thresholds_.at(static_cast<std::size_t>(step - 1));
  const std::string name = concat(request_.variant, "/g", request_.grow_step, "-i", step);
  if (const auto reason = why_moot(step)) {
    if (world_.is_root()) {
      log_info(name + " is moot: " + *reason);
      fs::create_directories(directory);
      commit_json(record,
                  {{"step", step},
                   {"grow_step", request_.grow_step},
                   {"threshold", threshold},
                   {"moot", true},
                   {"reason", *reason}},
                  make_lineage("moot step", {}, {{"step", step}}));
    }
    barrier(world_);
    return exit_success;
  }
  const Policy start = load_policy(parent(step));
  const ThresholdFilter filter(threshold);
  const CandidateView view(grow_dir_, corpus_, filter,
                           {experiment_.reward.name, experiment_.improve.lambda, experiment_.improve.keep_unfinished});
  stop_point(world_);
  const Lineage lineage = this->lineage(step, start, view);
  if (is_committed(directory / "model.safetensors", lineage) && is_committed(record, lineage)) {
    if (world_.is_root()) log_info(name + " is complete");
    return exit_success;
  }
  announce(step, threshold, view);
  const CrossEntropyLoss loss(experiment_.improve.label_smoothing);
  Trainer trainer(world_, trainer_options(step),
                  {start, view, loss, [this](const Policy& policy) { return sampled_reward(policy); }, directory,
                   lineage, "improve " + name, run_.progress_sink(), speed_log(step)});
  const TrainingResult result = trainer.run();
  if (result.end == TrainingResult::End::stopped) return exit_stopped;
  if (world_.is_root()) {
    Policy improved = start;
    improved.parameters = result.best_parameters;
    save_policy(directory, improved, lineage, made_by(world_, at::get_num_threads()));
    const RewardSummary &all = view.all(), &kept = view.kept();
    commit_json(record,
                {{"step", step},
                 {"grow_step", request_.grow_step},
                 {"threshold", threshold},
                 {"v_pi", all.mean_reward},
                 {"all", to_json(all)},
                 {"kept", to_json(kept)},
                 {"kept_share", static_cast<double>(kept.candidates) / static_cast<double>(all.candidates)},
                 {"sampled_share", view.sampled_share()},
                 {"best_reward", result.best_score},
                 {"best_update", result.best_update},
                 {"updates", result.updates},
                 {"rose", result.best_update > 0},
                 {"moot", false}},
                lineage);
    log_info(concat(name, ": ", result.best_update > 0 ? "reward rose to " : "reward did not rise above ",
                    result.best_score, " on the selection half of validation, best at update ", result.best_update,
                    " of ", result.updates));
  }
  barrier(world_);
  return exit_success;
}

void ImproveRun::name_best() const {
  if (!world_.is_root()) return;
  json best;
  for (std::int64_t step = 0; step <= steps(); ++step) {
    const fs::path file = directory(step) / "step.json";
    if (!find_committed(file)) return;
    const json record = read_json(file);
    if (record.value("moot", false)) continue;
    const double reward = record.at("best_reward");
    if (best.is_null() || reward > best.at("reward").get<double>()) {
      best = {{"policy", concat(request_.variant, "/g", request_.grow_step, "-i", step)}, {"reward", reward}};
    }
  }
  const fs::path file = run_.root() / "improve" / request_.variant / concat("g", request_.grow_step, "-best.json");
  commit_json(file, best, make_lineage("best policy", {}, best));
  log_info(concat("best policy of Grow step ", request_.grow_step, ": ", best.at("policy").get<std::string>(),
                  ", reward ", best.at("reward").get<double>(), " on the selection half of validation"));
}

}  // namespace

std::string policy_to_grow_from(const RunDirectory& run, const std::string& variant, std::int64_t grow_step) {
  if (grow_step <= 1) return "g0-i0";
  const fs::path file = run.root() / "improve" / variant / concat("g", grow_step - 1, "-best.json");
  if (!find_committed(file)) {
    throw Error(file.string() + " is missing",
                concat("Grow step ", grow_step, " samples from the best policy of the step before"),
                concat("run rest_improve --grow-step ", grow_step - 1, " --variant ", variant, " to its end first"));
  }
  return read_json(file).at("policy");
}

int run_improve(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                const ImproveRequest& request) {
  ImproveRun improve(world, experiment, run, request);
  stop_point(world);
  if (request.only_step && (*request.only_step < 0 || *request.only_step > improve.steps())) {
    throw UsageError(concat("--step ", *request.only_step, " is none of this experiment's Improve steps"), "",
                     concat("use 0 to ", improve.steps()));
  }
  const std::int64_t first = request.only_step.value_or(0), last = request.only_step.value_or(improve.steps());
  for (std::int64_t step = first; step <= last; ++step) {
    const int code = improve.run_step(step);
    if (code != exit_success) return code;
  }
  improve.name_best();
  barrier(world);
  return exit_success;
}

}  // namespace rest
