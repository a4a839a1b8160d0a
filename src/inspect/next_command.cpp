#include <algorithm>
#include <thread>

#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/inspect/status.hpp"

namespace rest {
namespace {

/// One program of the chain: the name of its lock, whether what it makes is there, and its arguments.
struct Stage {
  std::string work;
  bool complete;
  std::string program, arguments;
  std::int64_t most_ranks;  ///< 1: one process without mpirun
};

std::string quoted(const std::string& text) {
  const std::string plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+=:,@%";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string inside;
  for (const char c : text) inside += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return "'" + inside + "'";
}

std::string work_name(std::string policy, const std::string& corpus) {
  std::replace(policy.begin(), policy.end(), '/', '_');
  return "evaluate-" + policy + "." + corpus;
}

void add_evaluations(const RunStatus& status, std::vector<Stage>& stages) {
  for (const std::string& corpus : status.evaluated_corpora()) {
    for (const PolicyStatus* policy : status.policies()) {
      if (policy->state != PolicyStatus::State::complete) continue;
      std::string arguments = " --policy " + quoted(policy->name) + " --corpus " + corpus;
      if (policy != &status.initial) arguments += " --compare g0-i0";
      stages.push_back({work_name(policy->name, corpus), policy->metrics.count(corpus) > 0, "rest_evaluate", arguments,
                        std::int64_t{1} << 20});
    }
  }
}

bool is_learned(const RewardOptions& reward) {
  const auto& known = built_in_rewards;
  return reward.command.empty() && reward.of.empty() &&
         std::find(std::begin(known), std::end(known), reward.name) == std::end(known);
}

std::vector<Stage> stages_of(const RunStatus& status) {
  constexpr std::int64_t any = std::int64_t{1} << 20;
  const Experiment experiment = status.experiment.value_or(Experiment{});
  const std::string reward = experiment.reward.name;
  std::vector<Stage> stages = {
      {"prepare", status.prepared(), "rest_prepare", "", 1},
      {"train", status.initial.state == PolicyStatus::State::complete, "rest_train", "", experiment.train.leaves}};
  if (is_learned(experiment.reward)) {
    const RunDirectory run(status.root);
    stages.push_back({"reward-" + reward, find_committed(run.learned_reward(reward) / "reward.json").has_value(),
                      "rest_reward train", " --name " + quoted(reward), experiment.reward_model.leaves});
  }
  for (const GrowStatus& grow : status.grow) {
    const std::string step = concat("g", grow.step), option = concat(" --grow-step ", grow.step);
    const auto scored = grow.scored.find(reward);
    const bool all_scored = grow.expected && scored != grow.scored.end() && scored->second == *grow.expected;
    // A later step samples from the best policy of the variant that led to it.
    const bool later = grow.step > 1 && !status.improve.empty();
    const std::string variant = later ? " --variant " + quoted(status.improve.front().variant) : "";
    stages.push_back({"grow-" + step, grow.complete(), "rest_grow", option + variant, any});
    stages.push_back({"score-" + step + "-" + reward, all_scored, "rest_score", option, any});
    for (const ImproveStatus& improve : status.improve) {
      if (improve.grow_step != grow.step) continue;
      std::string arguments = option + " --variant " + quoted(improve.variant);
      for (const std::string& one : improve.overrides) arguments += " --set " + quoted(one);
      const bool complete = !improve.best.empty() && improve.done() == static_cast<std::int64_t>(improve.steps.size());
      stages.push_back(
          {"improve-" + improve.variant + "-" + step, complete, "rest_improve", arguments, experiment.improve.leaves});
    }
  }
  add_evaluations(status, stages);
  return stages;
}

}  // namespace

NextCommand next_command(const RunStatus& status) {
  const auto running = [&](const std::string& work) {
    return std::any_of(status.activities.begin(), status.activities.end(),
                       [&](const Activity& one) { return one.running && one.work == work; });
  };
  const std::string run = quoted(status.root.string());
  for (const Stage& stage : stages_of(status)) {
    if (stage.complete || running(stage.work)) continue;
    const std::string experiment =
        status.experiment ? quoted((status.root / "experiment.toml").string()) : "EXPERIMENT.toml";
    const std::int64_t ranks =
        std::min<std::int64_t>(stage.most_ranks, std::max(1u, std::thread::hardware_concurrency()));
    const std::string launcher = ranks > 1 ? concat("mpirun -n ", ranks, " --bind-to core ") : "";
    return {launcher + stage.program + " " + experiment + " --run " + run + stage.arguments, status.running()};
  }
  return {"", status.running()};
}

}  // namespace rest
