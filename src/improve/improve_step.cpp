#include "rest/improve/improve_step.hpp"

#include <ATen/Parallel.h>

#include "improve_steps.hpp"
#include "rest/comm/agreement.hpp"
#include "rest/comm/build_info.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/signals.hpp"
#include "selection_reward.hpp"
#include "watch.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// All steps of one Grow step and variant.
class ImproveRun {
 public:
  ImproveRun(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
             const ImproveRequest& request)
      : world_(world),
        experiment_(experiment),
        run_(run),
        request_(request),
        steps_(experiment, run, request),
        selection_(experiment, run, request.device),
        grown_from_(load_policy(run.policy(policy_to_grow_from(run, request.variant, request.grow_step)))) {
    require_tokenizer(grown_from_, steps_.corpus().tokenizer_digest(), run.corpus("train").string());
    require_tokenizer(grown_from_, selection_.corpus().tokenizer_digest, run.corpus("valid").string());
    require_made_by(selection_.reward(), reward_file(run.grow(request.grow_step), experiment.reward.name, 0));
    if (!experiment.reward.watch.empty()) watch_ = std::make_unique<Watch>(experiment, run, request.device);
  }

  std::vector<std::int64_t> requested() const { return steps_.requested(); }
  int run_step(std::int64_t step);
  /// Compares a step's policy with the one it started from by the watched reward, if there is one.
  void watch_step(std::int64_t step) const;
  void name_best() const;

 private:
  fs::path directory(std::int64_t step) const { return run_.improve(request_.variant, request_.grow_step, step); }
  /// The policy a step starts from.
  fs::path parent(std::int64_t step) const;
  std::optional<std::string> why_moot(std::int64_t step) const;
  /// The step raised the reward while the watched one fell.
  bool parted(std::int64_t step) const;
  void write_moot(std::int64_t step, const std::string& reason) const;
  Lineage lineage(std::int64_t step) const;
  void announce(std::int64_t step, const StepCandidates& candidates) const;
  json record(std::int64_t step, const StepCandidates& candidates, const TrainingResult& result) const;
  fs::path speed_log(std::int64_t step) const {
    return run_.logs() / concat("speed.", request_.variant, "_g", request_.grow_step, "-i", step, ".jsonl");
  }

  Communicator world_;
  const Experiment& experiment_;
  const RunDirectory& run_;
  ImproveRequest request_;
  ImproveSteps steps_;
  SelectionReward selection_;
  std::unique_ptr<Watch> watch_;  // null: none
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
  if (experiment_.improve.stop_when_parted && parted(step - 1)) {
    return concat("step ", step - 1, " raised the reward while ", watch_->name(), ", which is watched, fell");
  }
  return std::nullopt;
}

bool ImproveRun::parted(std::int64_t step) const {
  const auto watched = watch_ ? read_watched(directory(step)) : std::nullopt;
  return watched && watched->fell() && read_json(directory(step) / "step.json").value("rose", false);
}

void ImproveRun::watch_step(std::int64_t step) const {
  if (!watch_ || read_json(directory(step) / "step.json").value("moot", false)) return;
  const Watched watched = watch_->compare(world_, directory(step), parent(step));
  barrier(world_);  // it is read by all
  if (!world_.is_root()) return;
  log_info(concat(steps_.name(step), ": ", watch_->name(), ", which is watched, went from ",
                  with_digits(watched.before, 4), " to ", with_digits(watched.after, 4), ", by ",
                  to_text(watched.change.difference, 4)));
  if (!parted(step)) return;
  log_warning(concat(steps_.name(step), ": the reward rose while ", watch_->name(),
                     " fell; the policy may have learnt what fools the reward: look at samples, and at rest_reward "
                     "check"));
}

void ImproveRun::write_moot(std::int64_t step, const std::string& reason) const {
  if (world_.is_root()) {
    log_info(steps_.name(step) + " is moot: " + reason);
    fs::create_directories(directory(step));
    commit_json(directory(step) / "step.json",
                {{"step", step},
                 {"grow_step", request_.grow_step},
                 {"threshold", steps_.threshold(step)},
                 {"moot", true},
                 {"reason", reason}},
                make_lineage("moot step", {}, {{"step", step}}));
  }
  barrier(world_);
}

// From commit records: whether a step is complete is known without reading what it was made from.
Lineage ImproveRun::lineage(std::int64_t step) const {
  auto options = options_json(experiment_.improve);
  for (const char* harmless : {"grow_step", "steps", "thresholds", "stop_when_flat", "stop_when_parted",
                               "checkpoint_every", "keep_checkpoints", "shard_optimizer", "gradient_checkpointing"}) {
    options.erase(harmless);
  }
  if (steps_.filter_name(step) == "threshold") options.erase("filter");  // as it was before there were others
  if (experiment_.improve.candidates_together == 1) options.erase("candidates_together");  // likewise
  return make_lineage(
      "policy",
      {{"policy", policy_digest(parent(step))},
       {"candidates", steps_.scored().digest()},
       {"corpus", steps_.corpus().digest()},
       {"validation", selection_.corpus().digest}},
      {{"improve", options},
       {"reward", selection_.reward().identity()},
       {"step", step},
       {"threshold", steps_.threshold(step)},
       {"evaluate",
        {{"temperature", experiment_.evaluate.temperature}, {"max_length", experiment_.evaluate.max_length}}}});
}

void ImproveRun::announce(std::int64_t step, const StepCandidates& candidates) const {
  if (!world_.is_root()) return;
  const RewardSummary &all = candidates.view.all(), &kept = candidates.view.kept();
  const auto share = [](std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  };
  const auto cut = candidates.filter->global_cut();
  log_info(concat("g", request_.grow_step, "-i", step, ": ", candidates.filter->words(),
                  cut ? concat(" (", *cut, ")") : std::string(), " keeps ", kept.candidates, " of ", all.candidates,
                  " candidates (", share(kept.candidates, all.candidates), " %), mean reward ", kept.mean_reward, "; ",
                  kept.sources_empty, " of ", kept.sources, " sources keep none; sampled share ",
                  candidates.view.sampled_share()));
  if (step != 1 || experiment_.improve.filter != "threshold") return;
  // Algorithm 1 asks for tau_1 >= V_pi: only then does every kept candidate beat the policy's mean.
  const double threshold = steps_.threshold(step);
  if (threshold >= all.mean_reward) {
    log_info(concat("tau_1 = ", threshold, " is at or above V_pi = ", all.mean_reward, ", as algorithm 1 wants"));
  } else {
    log_warning(concat("tau_1 = ", threshold, " is below V_pi = ", all.mean_reward,
                       ": some kept candidates are worse than the policy's mean; used as given"));
  }
}

json ImproveRun::record(std::int64_t step, const StepCandidates& candidates, const TrainingResult& result) const {
  const RewardSummary &all = candidates.view.all(), &kept = candidates.view.kept();
  json record = {{"step", step},
                 {"grow_step", request_.grow_step},
                 {"filter", steps_.filter_name(step)},
                 {"threshold", steps_.threshold(step)},
                 {"keeps", candidates.filter->words()},
                 {"v_pi", all.mean_reward},
                 {"all", to_json(all)},
                 {"kept", to_json(kept)},
                 {"kept_share", static_cast<double>(kept.candidates) / static_cast<double>(all.candidates)},
                 {"sampled_share", candidates.view.sampled_share()},
                 {"best_reward", result.best_score},
                 {"best_update", result.best_update},
                 {"updates", result.updates},
                 {"rose", result.best_update > 0},
                 {"moot", false}};
  if (const auto cut = candidates.filter->global_cut()) record["cut"] = *cut;
  return record;
}

int ImproveRun::run_step(std::int64_t step) {
  const fs::path directory = this->directory(step);
  const std::string name = steps_.name(step);
  if (const auto reason = why_moot(step)) {
    write_moot(step, *reason);
    return exit_success;
  }
  stop_point(world_);
  const Lineage lineage = this->lineage(step);
  if (is_committed(directory / "model.safetensors", lineage) && is_committed(directory / "config.json", lineage) &&
      is_committed(directory / "step.json", lineage)) {
    if (world_.is_root()) log_info(name + " is complete");
    return exit_success;
  }
  Policy start = load_policy(parent(step)).to(request_.device);
  StepCandidates candidates = steps_.candidates(step);
  if (candidates.view.size() == 0) {
    throw Error(concat(name, ": ", candidates.filter->words(), " keeps nothing to train on"), "",
                "choose other improve.thresholds; rest_improve --plan shows what they keep");
  }
  candidates.view.mix(experiment_.improve.lambda);
  announce(step, candidates);
  const CrossEntropyLoss loss(experiment_.improve.label_smoothing);
  Trainer trainer(
      world_, steps_.trainer_options(step, grown_from_.config.dropout),
      {std::move(start), candidates.view, loss, [this](const Policy& policy) { return selection_(world_, policy); },
       directory, lineage, "improve " + name, run_.progress_sink(), speed_log(step)});
  const TrainingResult result = trainer.run();
  if (result.end == TrainingResult::End::stopped) return exit_stopped;
  if (world_.is_root()) {
    save_policy(directory, result.best, lineage, made_by(world_, at::get_num_threads(), result.devices));
    commit_json(directory / "step.json", record(step, candidates, result), lineage);
    log_info(concat(name, ": ", result.best_update > 0 ? "reward rose to " : "reward did not rise above ",
                    result.best_score, " on the selection half of validation, best at update ", result.best_update,
                    " of ", result.updates));
  }
  barrier(world_);
  return exit_success;
}

void ImproveRun::name_best() const {
  if (!world_.is_root()) return;
  json best, left_out = json::array();
  for (std::int64_t step = 0; step <= steps_.last(); ++step) {
    const fs::path file = directory(step) / "step.json";
    if (!find_committed(file)) return;
    const json record = read_json(file);
    if (record.value("moot", false)) continue;
    if (experiment_.improve.stop_when_parted && parted(step)) {
      left_out.push_back(steps_.name(step));
      continue;
    }
    const double reward = record.at("best_reward");
    if (best.is_null() || reward > best.at("reward").get<double>()) {
      best = {{"policy", steps_.name(step)}, {"reward", reward}};
    }
  }
  const fs::path file = run_.root() / "improve" / request_.variant / concat("g", request_.grow_step, "-best.json");
  if (best.is_null()) {
    log_warning(concat("no policy of Grow step ", request_.grow_step,
                       " is named the best: in all of them the reward rose while ", watch_->name(), " fell"));
    return;
  }
  if (!left_out.empty()) best["left_out"] = left_out;
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
  for (const std::int64_t step : improve.requested()) {
    const int code = improve.run_step(step);
    if (code != exit_success) return code;
    improve.watch_step(step);
  }
  improve.name_best();
  barrier(world);
  return exit_success;
}

}  // namespace rest
