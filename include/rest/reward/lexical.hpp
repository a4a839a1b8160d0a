#pragma once

#include "rest/reward/reward.hpp"

namespace rest {

/// Similarity to the reference, a sentence score of rest/text/metrics.hpp over 100. An original pair gets 1.
class LexicalReward : public Reward {
 public:
  using SentenceScore = double (*)(const std::string& candidate, const std::string& reference);  ///< in [0, 100]
  LexicalReward(std::string name, SentenceScore score) : name_(std::move(name)), score_(score) {}
  std::string name() const override { return name_; }
  bool needs_reference() const override { return true; }
  std::vector<float> score(Span<const ScoredText> batch) const override;

 private:
  std::string name_;
  SentenceScore score_;
};

}  // namespace rest
