#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace rest {

/// The reduction of an update's gradients, on this rank.
struct ReductionFigures {
  double hidden = 0.0;   ///< share of it that was done during the backward pass
  double seconds = 0.0;  ///< for the rest, waiting for slower ranks included
};

/// How fast training goes, by the clock: apart from metrics.jsonl, which holds only what every run of the same training
/// gives. One JSON object a line, appended: time (UTC), update, seconds (since this start of the program), and over the
/// updates since the line before, evaluations included, updates_per_second and target_tokens_per_second; and of this
/// rank's reductions, the mean: reduction_hidden, and reduction_share, which took that share of the time; and
/// peak_bytes, the most memory it has taken so far.
class SpeedLog {
 public:
  explicit SpeedLog(std::filesystem::path file) : file_(std::move(file)) {}
  /// An update is done.
  void count(double target_tokens, const ReductionFigures& reduction);
  /// Writes a line, and begins the next interval. A line that cannot be written is left out.
  void write(std::int64_t update, std::int64_t peak_bytes);

 private:
  using Clock = std::chrono::steady_clock;
  std::filesystem::path file_;
  Clock::time_point start_ = Clock::now(), line_ = start_;
  std::int64_t updates_ = 0;
  double tokens_ = 0.0;
  ReductionFigures reductions_;  // sums
};

}  // namespace rest
