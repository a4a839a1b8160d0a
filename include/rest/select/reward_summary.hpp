#pragma once

#include <cstdint>

namespace rest {

/// Sums over the candidates of a Grow step, each weighted by its count; originals included.
struct RewardSummary {
  std::uint64_t candidates = 0;  ///< count-weighted
  std::uint64_t distinct = 0;    ///< rows
  std::uint64_t originals = 0, unfinished = 0;
  std::uint64_t sources = 0, sources_empty = 0;  ///< sources_empty: sources without a kept candidate
  double tokens = 0.0;                           ///< count-weighted target tokens, end piece included
  double mean_reward = 0.0;                      ///< V_pi of the step when over all of D_g
};

}  // namespace rest
