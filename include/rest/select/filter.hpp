#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rest/core/span.hpp"
#include "rest/store/candidates.hpp"

namespace rest {

/// Which candidates of a shard a step trains on. One interface; one file a filter.
class Filter {
 public:
  virtual ~Filter() = default;
  /// Marks kept candidates (1) among those of `shard`; `rewards` has one value a candidate.
  virtual std::vector<std::uint8_t> keep(const CandidateShard& shard, Span<const float> rewards) const = 0;
};

/// R(x, y) > tau (equation 2), samples and originals alike; tau below 0 keeps everything.
class ThresholdFilter : public Filter {
 public:
  explicit ThresholdFilter(double threshold) : threshold_(threshold) {}
  std::vector<std::uint8_t> keep(const CandidateShard& shard, Span<const float> rewards) const override;

 private:
  double threshold_;
};

/// The threshold of Improve step i in 1..steps: of more thresholds than steps the small ones are skipped; with more
/// steps than thresholds a UsageError says so.
std::vector<double> threshold_schedule(const std::vector<double>& thresholds, std::int64_t steps);

}  // namespace rest
