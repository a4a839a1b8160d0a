#pragma once

#include "rest/select/reward_summary.hpp"
#include "rest/store/scored.hpp"

namespace rest {

/// Sums over candidates, each weighted by its count.
class RewardSums {
 public:
  struct Rows {
    std::uint32_t samples = 0, originals = 0;
  };
  /// Adds those candidates of a range of `columns` whose `keep` is 1; says how many rows that were. [range.candidates]
  Rows add(const ScoredColumns& columns, const ShardRange& range, Span<const std::uint8_t> keep);

  void add(const RewardSums& other);

  RewardSummary summary() const;
  double sampled_tokens() const { return static_cast<double>(sampled_tokens_); }  ///< as RewardSummary::tokens

 private:
  static constexpr std::size_t lanes = 8;  // of the sum of rewards: the order of its additions is fixed
  RewardSummary sums_;
  std::uint64_t tokens_ = 0, sampled_tokens_ = 0;
  double reward_[lanes] = {};
};

}  // namespace rest
