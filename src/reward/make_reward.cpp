#include "rest/core/error.hpp"
#include "rest/reward/lexical.hpp"
#include "rest/reward/process.hpp"
#include "rest/text/metrics.hpp"

namespace rest {

std::unique_ptr<Reward> make_reward(const std::string& name) {
  if (name == "chrf") return std::make_unique<LexicalReward>(name, sentence_chrf);
  if (name == "bleu") return std::make_unique<LexicalReward>(name, sentence_bleu);
  std::string known;
  for (const char* const each : built_in_rewards) known += (known.empty() ? "" : ", ") + std::string(each);
  throw UsageError("there is no reward \"" + name + "\"", "",
                   "known are: " + known + "; others are programs, named by reward.command");
}

std::unique_ptr<Reward> make_reward(const RewardOptions& options, const std::string& name) {
  if (options.command.empty() || !(name.empty() || name == options.name)) {
    return make_reward(name.empty() ? options.name : name);
  }
  return std::make_unique<ProcessReward>(options);
}

nlohmann::json reward_identity(const RewardOptions& options) {
  if (options.command.empty()) return options.name;
  return {{"name", options.name}, {"command", options.command}};
}

}  // namespace rest
