#include "rest/core/committed.hpp"
#include "rest/core/entries_of.hpp"
#include "rest/core/error.hpp"
#include "rest/core/variant_name.hpp"
#include "rest/reward/combined.hpp"
#include "rest/reward/learned.hpp"
#include "rest/reward/lexical.hpp"
#include "rest/reward/process.hpp"
#include "rest/text/metrics.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

bool is_learned(const fs::path& directory) {
  return find_committed(LearnedRewardFiles{directory}.description()).has_value();
}

UsageError unknown(const std::string& name, const RunDirectory& run) {
  std::string built_in, learned;
  const auto add = [](std::string& list, const std::string& entry) { list += (list.empty() ? "" : ", ") + entry; };
  for (const char* const each : built_in_rewards) add(built_in, each);
  for (const fs::path& entry : entries_of(run.learned_rewards())) {
    if (is_learned(entry)) add(learned, entry.filename().string());
  }
  return UsageError("there is no reward \"" + name + "\"",
                    "built in are " + built_in + "; run " + run.root().string() +
                        (learned.empty() ? " has learned none" : " has learned " + learned),
                    "take one of these, learn one by rest_reward train, or name a program by reward.command");
}

}  // namespace

std::unique_ptr<Reward> make_built_in_reward(const std::string& name) {
  if (name == "chrf") return std::make_unique<LexicalReward>(name, sentence_chrf);
  if (name == "bleu") return std::make_unique<LexicalReward>(name, sentence_bleu);
  return nullptr;
}

std::unique_ptr<Reward> make_reward(const RewardOptions& options, const RunDirectory& run, torch::Device device,
                                    const std::string& asked) {
  const std::string& name = asked.empty() ? options.name : asked;
  require_name("reward", name);
  if (name == options.name && !options.command.empty()) return std::make_unique<ProcessReward>(options);
  if (name == options.name && !options.of.empty()) {
    std::vector<std::unique_ptr<Reward>> parts;
    for (const std::string& part : options.of) parts.push_back(make_reward(options, run, device, part));
    const auto rule = options.combine == "min" ? CombinedReward::Rule::least : CombinedReward::Rule::mean;
    return std::make_unique<CombinedReward>(name, std::move(parts), rule, options.weights);
  }
  if (auto built_in = make_built_in_reward(name)) return built_in;
  const fs::path directory = run.learned_reward(name);
  if (!fs::exists(LearnedRewardFiles{directory}.description())) throw unknown(name, run);
  return std::make_unique<LearnedReward>(directory, name,
                                         LearnedRewardUse{options.spread_penalty, options.precision, device});
}

RewardOptions watched(RewardOptions options) {
  options.name = options.watch;
  options.command = options.watch_command;
  options.of.clear();
  return options;
}

}  // namespace rest
