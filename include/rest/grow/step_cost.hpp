#pragma once

#include <cstdint>
#include <vector>

#include "rest/store/candidates.hpp"

namespace rest {

/// A figure with its 95 % interval.
struct Estimate {
  double value, low, high;
  Estimate operator*(double factor) const { return {value * factor, low * factor, high * factor}; }
};

/// The ratio of two sums over batches, with Student's t interval of a ratio estimator (Cochran 1977, section 6.4) from
/// the spread between batches; without spread (one batch) the interval is infinite. Both series have the same length.
Estimate ratio_over_batches(const std::vector<double>& above, const std::vector<double>& below);

/// Bytes on disk of a shard with its reward column and their commit records.
struct DiskCost {
  double samples = 0, rows = 0, pieces = 0;  ///< of the shard written: drawn, rows stored, pieces stored
  double bytes = 0, reward_bytes = 0;        ///< of the shard, of its column
  double plain_bytes = 0;                    ///< of both as arrays of their types, neither deflated nor described
  double bytes_per_sample = 0;               ///< what a drawn sample adds to both
  double bytes_per_shard = 0;                ///< what both files cost before the first sample
};

/// Writes `shard` and its reward column to a temporary directory, which is removed again, and measures them.
DiskCost measure_disk(const CandidateShard& shard, const ShardAttributes& attributes);

}  // namespace rest
