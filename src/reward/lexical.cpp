#include "rest/reward/lexical.hpp"

#include <algorithm>

#include "rest/core/error.hpp"

namespace rest {

std::vector<float> LexicalReward::score(Span<const ScoredText> batch) const {
  std::vector<float> rewards;
  rewards.reserve(batch.size());
  for (const ScoredText& text : batch) {
    if (!text.reference) {
      throw Error("the reward " + name_ + " needs a reference", "there is none for \"" + text.source + "\"",
                  "use a corpus with target text, or another reward");
    }
    const double similarity = score_(text.candidate, *text.reference) / 100.0;
    rewards.push_back(static_cast<float>(std::clamp(similarity, 0.0, 1.0)));  // rounding may give 1 + 1e-16
  }
  return rewards;
}

}  // namespace rest
