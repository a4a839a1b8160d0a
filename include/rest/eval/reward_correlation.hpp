#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rest/comm/communicator.hpp"
#include "rest/eval/bootstrap.hpp"
#include "rest/reward/ratings.hpp"
#include "rest/reward/reward.hpp"

namespace rest {

/// How a reward goes with what people say. Intervals are 95 %, of a bootstrap over sources.
struct RewardCorrelation {
  std::int64_t translations = 0, sources = 0;
  Interval pearson{}, spearman{}, kendall{};
  std::int64_t pairs = 0;  ///< of translations of one source, rated differently by `apart` at least
  double apart = 0.0;
  Interval pairwise{};  ///< share of these that the reward orders as people do, ties half; undefined without pairs
};

/// `rewards`: one for each rating. Throws Error when they are all equal.
RewardCorrelation correlate_reward(const Ratings& ratings, const std::vector<double>& rewards, double apart,
                                   std::int64_t resamples, std::uint64_t seed);

/// Rewards of rated translations. Throws Error when the reward needs references and the ratings have none. Collective.
std::vector<double> rewards_of(const Communicator& world, const Reward& reward, const Ratings& ratings);

std::string to_text(const RewardCorrelation& correlation);
nlohmann::json to_json(const RewardCorrelation& correlation);

}  // namespace rest
