#include "rest/improve/plan.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iostream>

#include "improve_steps.hpp"
#include "plan_table.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/signals.hpp"
#include "rest/select/diversity.hpp"
#include "selection_reward.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

double ratio(double part, double whole) { return whole > 0.0 ? part / whole : 0.0; }

double mean_length(const RewardSummary& summary) {
  return ratio(summary.tokens, static_cast<double>(summary.candidates));
}

/// Times real work with the policy that grew the step.
class Timing {
 public:
  Timing(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
         const ImproveRequest& request, const ImproveSteps& steps)
      : world_(world),
        experiment_(experiment),
        steps_(steps),
        policy_(
            load_policy(run.policy(policy_to_grow_from(run, request.variant, request.grow_step))).to(request.device)),
        selection_(experiment, run, request.device) {
    require_tokenizer(policy_, steps.corpus().tokenizer_digest(), run.corpus("train").string());
    require_tokenizer(policy_, selection_.corpus().tokenizer_digest, run.corpus("valid").string());
  }

  double evaluation() const {
    barrier(world_);
    const auto begin = std::chrono::steady_clock::now();
    selection_(world_, policy_);
    return largest(world_, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }

  /// Behind a warm-up, which pages memory in: as many updates as a few seconds hold, at least one.
  json updates(std::int64_t step, const CandidateView& view) const {
    constexpr int at_most = 20;
    constexpr double enough_seconds = 4.0;
    const CrossEntropyLoss loss(experiment_.improve.label_smoothing);
    Trainer trainer(world_, steps_.trainer_options(step, policy_.config.dropout),
                    {policy_, view, loss, {}, {}, {}, "plan"});
    if (largest(world_, trainer.time_update()) < enough_seconds) trainer.time_update();
    std::vector<double> seconds;
    double total = 0.0;
    while (seconds.empty() || (seconds.size() < at_most && total < enough_seconds)) {
      seconds.push_back(largest(world_, trainer.time_update()));
      total += seconds.back();
    }
    return {{"mean", total / static_cast<double>(seconds.size())},
            {"least", *std::min_element(seconds.begin(), seconds.end())},
            {"most", *std::max_element(seconds.begin(), seconds.end())},
            {"measured", seconds.size()}};
  }

 private:
  Communicator world_;
  const Experiment& experiment_;
  const ImproveSteps& steps_;
  Policy policy_;
  SelectionReward selection_;
};

json kept_figures(const StepCandidates& candidates) {
  const RewardSummary &all = candidates.view.all(), &kept = candidates.view.kept();
  const Diversity diversity = diversity_of(candidates.view);
  return {{"kept", to_json(kept)},
          {"share", ratio(static_cast<double>(kept.candidates), static_cast<double>(all.candidates))},
          {"token_share", ratio(kept.tokens, all.tokens)},
          {"mean_length", mean_length(kept)},
          {"length_ratio", ratio(mean_length(kept), mean_length(all))},
          {"distinct_per_source", diversity.distinct_per_source},
          {"duplicate_share", diversity.duplicate_share},
          {"distinct_2", diversity.distinct_2}};
}

std::int64_t updates_an_epoch(const CandidateView& view, const TrainerOptions& options) {
  BatchPlan plan(view, options.seed, {options.tokens_per_update, options.leaves, options.candidates_together});
  std::int64_t updates = 0;
  for (BatchCursor cursor; cursor.epoch == 0; ++updates) plan.next(cursor);
  return updates;
}

/// The fewest updates a step takes are those of evaluations without a rise until its patience ends.
json update_bounds(const ImproveOptions& improve) {
  return {{"least", std::min(improve.max_updates, improve.patience * improve.evaluate_every)},
          {"most", improve.max_updates}};
}

/// One before the first update, one every so often, one behind the last.
std::int64_t evaluations_of(std::int64_t updates, const ImproveOptions& improve) {
  return 1 + (updates + improve.evaluate_every - 1) / improve.evaluate_every;
}

/// Why a step could not be trained; mixes the candidates.
std::optional<std::string> mix(StepCandidates& candidates, double lambda) {
  if (candidates.view.size() == 0) return candidates.filter->words() + " keeps nothing to train on";
  try {
    candidates.view.mix(lambda);
  } catch (const Error& problem) {
    return problem.what();
  }
  return std::nullopt;
}

/// Adds what training a step takes.
void add_effort(json& figures, const Experiment& experiment, const ImproveSteps& steps, std::int64_t step,
                const CandidateView& view, const Timing* timing, double evaluation) {
  const ImproveOptions& improve = experiment.improve;
  const json updates = update_bounds(improve);
  figures["updates"] = updates;
  figures["updates_an_epoch"] = updates_an_epoch(view, steps.trainer_options(step, 0.0));
  for (const char* bound : {"least", "most"}) figures["evaluations"][bound] = evaluations_of(updates[bound], improve);
  if (timing == nullptr) return;
  const json seconds = timing->updates(step, view);
  figures["seconds_an_update"] = seconds;
  for (const char* bound : {"least", "most"}) {
    figures["seconds"][bound] = updates[bound].get<double>() * seconds["mean"].get<double>() +
                                figures["evaluations"][bound].get<double>() * evaluation;
  }
}

json plan_step(const Experiment& experiment, const ImproveSteps& steps, std::int64_t step, const Timing* timing,
               double evaluation, json& plan) {
  StepCandidates candidates = steps.candidates(step);
  plan["all"] = to_json(candidates.view.all());
  plan["mean_length"] = mean_length(candidates.view.all());
  json figures = kept_figures(candidates);
  figures.update({{"step", step},
                  {"name", steps.name(step)},
                  {"filter", steps.filter_name(step)},
                  {"threshold", steps.threshold(step)},
                  {"keeps", candidates.filter->words()},
                  {"seconds_an_update", nullptr},
                  {"seconds", nullptr}});
  if (const auto cut = candidates.filter->global_cut()) figures["cut"] = *cut;
  const auto problem = mix(candidates, experiment.improve.lambda);
  figures["problem"] = problem ? json(*problem) : json();
  figures["examples"] = candidates.view.size();
  figures["sampled_share"] = candidates.view.sampled_share();
  if (!problem) add_effort(figures, experiment, steps, step, candidates.view, timing, evaluation);
  return figures;
}

/// Of all steps together. With improve.stop_when_flat those behind a step from i1 on that does not raise the reward are
/// left out, so that the least is what comes up to i1.
json total_seconds(const json& planned, bool stop_when_flat) {
  double least = 0.0, most = 0.0;
  for (const json& step : planned) {
    if (!step.at("problem").is_null()) continue;
    if (step.at("seconds").is_null()) return nullptr;
    if (!stop_when_flat || step.at("step") <= 1) least += step["seconds"]["least"].get<double>();
    most += step["seconds"]["most"].get<double>();
  }
  return {{"least", least}, {"most", most}};
}

void write(const fs::path& file, const json& plan) {
  fs::create_directories(file.parent_path());
  const fs::path temporary = file.string() + ".tmp";
  std::ofstream out(temporary);
  out << plan.dump(2) << '\n';
  if (!out.flush()) throw Error(temporary.string() + " cannot be written");
  out.close();
  fs::rename(temporary, file);
}

}  // namespace

int plan_improve(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                 const ImproveRequest& request) {
  const ImproveSteps steps(experiment, run, request);
  json plan = {{"variant", request.variant},
               {"grow_step", request.grow_step},
               {"reward", experiment.reward.name},
               {"filter", experiment.improve.filter},
               {"lambda", experiment.improve.lambda},
               {"ranks", world.size()},
               {"threads", at::get_num_threads()},
               {"steps", json::array()},
               {"times_unknown", nullptr},
               {"seconds_an_evaluation", nullptr}};
  std::optional<Timing> timing;
  double evaluation = 0.0;
  try {
    timing.emplace(world, experiment, run, request, steps);
  } catch (const Error& missing) {
    plan["times_unknown"] = missing.what();
  }
  if (any(world, !timing)) timing.reset();  // all ranks measure or none
  if (!timing && plan["times_unknown"].is_null()) plan["times_unknown"] = "a rank cannot read the policy";
  if (timing) plan["seconds_an_evaluation"] = evaluation = timing->evaluation();
  for (const std::int64_t step : steps.requested()) {
    if (any(world, stop_requested())) return exit_stopped;
    if (world.is_root()) log_info("planning " + steps.name(step));
    plan["steps"].push_back(plan_step(experiment, steps, step, timing ? &*timing : nullptr, evaluation, plan));
  }
  plan["seconds"] = timing ? total_seconds(plan["steps"], experiment.improve.stop_when_flat) : json();
  if (!world.is_root()) return exit_success;
  const fs::path file = run.root() / "report" / concat("plan.", request.variant, ".g", request.grow_step, ".json");
  write(file, plan);
  std::cout << plan_text(plan) << file.string() << std::endl;
  return exit_success;
}

}  // namespace rest
