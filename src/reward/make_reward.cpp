#include "rest/core/error.hpp"
#include "rest/reward/lexical.hpp"
#include "rest/text/metrics.hpp"

namespace rest {

std::vector<std::string> reward_names() { return {"chrf", "bleu"}; }

std::unique_ptr<Reward> make_reward(const std::string& name) {
  if (name == "chrf") return std::make_unique<LexicalReward>(name, sentence_chrf);
  if (name == "bleu") return std::make_unique<LexicalReward>(name, sentence_bleu);
  std::string known;
  for (const std::string& each : reward_names()) known += (known.empty() ? "" : ", ") + each;
  throw UsageError("there is no reward \"" + name + "\"", "", "known are: " + known);
}

}  // namespace rest
