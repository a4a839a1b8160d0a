#include "rest/core/error.hpp"
#include "rest/select/filter.hpp"

namespace rest {

std::vector<std::uint8_t> ThresholdFilter::keep(const CandidateShard& shard, Span<const float> rewards) const {
  if (rewards.size() != shard.size()) {
    throw Error(concat(rewards.size(), " rewards for ", shard.size(), " candidates"));
  }
  // In float32, as rewards are stored: a reward of just tau is not above it, whatever tau rounds to.
  const auto threshold = static_cast<float>(threshold_);
  std::vector<std::uint8_t> kept(rewards.size());
  for (std::size_t i = 0; i < rewards.size(); ++i) kept[i] = threshold_ < 0.0 || rewards[i] > threshold;
  return kept;
}

}  // namespace rest
