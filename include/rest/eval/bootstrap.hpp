#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "rest/core/span.hpp"

namespace rest {

/// A figure with its 95 % bootstrap percentile interval.
struct Interval {
  double value, low, high;
};

/// "0.1234 [0.1200, 0.1270]", with so many digits.
std::string to_text(const Interval& interval, int digits);

/// Resamples positions 0..items-1 with replacement, `resamples` times; `figure` maps chosen positions to a number.
std::vector<double> bootstrap(std::size_t items, std::int64_t resamples, std::uint64_t seed,
                              const std::function<double(Span<const std::size_t>)>& figure);

/// Mean of `values` with its interval.
Interval bootstrap_mean(Span<const double> values, std::int64_t resamples, std::uint64_t seed);

/// The same for several series over the same items: entry i is bootstrap_mean(series[i], ...), the resamples drawn
/// once.
std::vector<Interval> bootstrap_means(const std::vector<std::vector<double>>& series, std::int64_t resamples,
                                      std::uint64_t seed);

/// The value of a figure over all items, with its interval. Resamples it is NaN for are left out.
Interval bootstrap_interval(std::size_t items, std::int64_t resamples, std::uint64_t seed,
                            const std::function<double(Span<const std::size_t>)>& figure);

/// A share with its 95 % score interval (Wilson 1927), for counts from 0 to `trials`, of which there is one at least.
Interval wilson_interval(double successes, double trials);

/// A paired comparison (Koehn 2004): the difference with its interval, and the two-sided p-value of "no difference",
/// 2 x the smaller share of resamples on either side of 0.
struct PairedDifference {
  Interval difference;
  double p_value;
};
PairedDifference paired_bootstrap(std::size_t items, std::int64_t resamples, std::uint64_t seed,
                                  const std::function<double(Span<const std::size_t>)>& difference);

}  // namespace rest
