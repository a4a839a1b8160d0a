#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rest/comm/communicator.hpp"
#include "rest/eval/bootstrap.hpp"
#include "rest/reward/perturbation.hpp"
#include "rest/reward/reward.hpp"

namespace rest {

/// Values of texts, shared out over ranks in parts that do not depend on their number, and known to all. Collective.
/// Throws Error when one is not finite, Stopped on all ranks when a stop was requested on one.
std::vector<double> score_on_all(const Communicator& world, const Reward& reward, const std::vector<ScoredText>& texts);

/// What one way of spoiling translations does to a reward.
struct PerturbationEffect {
  Perturbation kind;
  enum class Training { none, seen, unseen } training;  ///< whether the reward, if learned, was trained to notice it
  std::int64_t texts = 0;  ///< it applied to; the figures below are of these, undefined without any
  Interval fell{};         ///< share whose reward is lower than the good translation's
  Interval rose{};         ///< share whose reward is higher
  Interval fall{};         ///< mean of what it is lower by
};

/// What is asked of a reward.
struct RewardCheckLimits {
  double least_fell = 0.9;          ///< share of spoiled texts whose reward falls, for each kind
  double least_fell_unseen = 0.75;  ///< the same for kinds that a learned reward was not trained to notice
  double most_repeats = 0.02;       ///< share of translations whose reward rises when they are said twice
};

struct RewardCheck {
  std::int64_t texts = 0;
  Interval good{};  ///< mean reward of the good translations
  std::vector<PerturbationEffect> effects;
  std::vector<std::string> failures;  ///< in words; empty: all limits are kept
};

/// Spoils good translations in every way and compares rewards: the paper's unit tests of a reward model (A.4).
/// `references`, empty or one for each, are for rewards that need them. Intervals are 95 %. Collective.
RewardCheck check_reward(const Communicator& world, const Reward& reward, const std::vector<GoodTranslation>& good,
                         const std::vector<std::string>& references, const RewardCheckLimits& limits,
                         std::uint64_t seed);

std::string to_text(const RewardCheck& check);
nlohmann::json to_json(const RewardCheck& check);

}  // namespace rest
