#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

namespace rest {

/// How fast training goes, by the clock: apart from metrics.jsonl, which holds only what every run of the same training
/// gives. One JSON object a line, appended: time (UTC), update, seconds (since this start of the program), and over the
/// updates since the line before, evaluations included, updates_per_second and target_tokens_per_second.
class SpeedLog {
 public:
  explicit SpeedLog(std::filesystem::path file) : file_(std::move(file)) {}
  /// An update is done.
  void count(double target_tokens);
  /// Writes a line, and begins the next interval. A line that cannot be written is left out.
  void write(std::int64_t update);

 private:
  using Clock = std::chrono::steady_clock;
  std::filesystem::path file_;
  Clock::time_point start_ = Clock::now(), line_ = start_;
  std::int64_t updates_ = 0;
  double tokens_ = 0.0;
};

}  // namespace rest
