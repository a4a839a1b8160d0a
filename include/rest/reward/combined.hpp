#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rest/reward/reward.hpp"

namespace rest {

/// Several rewards as one: their weighted mean, or the least of them.
class CombinedReward : public Reward {
 public:
  enum class Rule { mean, least };

  /// `weights`: of the mean, one for each part, not all 0; empty: equal.
  CombinedReward(std::string name, std::vector<std::unique_ptr<Reward>> parts, Rule rule, std::vector<double> weights);

  std::string name() const override { return name_; }
  bool needs_reference() const override;
  nlohmann::json identity() const override;
  /// What one of its parts was trained to notice.
  std::optional<std::vector<std::string>> trained_to_notice() const override;
  std::vector<float> score(Span<const ScoredText> texts) const override;

 private:
  std::string name_;
  std::vector<std::unique_ptr<Reward>> parts_;
  Rule rule_;
  std::vector<double> weights_;  // of parts_, which add up to 1
};

}  // namespace rest
