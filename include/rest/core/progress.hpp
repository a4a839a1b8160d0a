#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace rest {

/// Progress of long work: on a terminal a bar with rate and time left, in a log file a line every 30 s.
/// Silent when `enabled` is false (ranks above 0).
class Progress {
 public:
  enum class Output { enabled, silent };
  Progress(std::string label, std::string unit, std::uint64_t total, Output output = Output::enabled);
  ~Progress();
  /// `done` units of the total; `note` follows the rate ("loss 3.21").
  void update(std::uint64_t done, const std::string& note = {});
  /// Last line: total, time taken, mean rate.
  void finish(const std::string& note = {});

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_, unit_;
  std::uint64_t total_, done_ = 0, first_done_ = 0;
  bool enabled_, terminal_, started_ = false;
  Clock::time_point start_, last_print_;
};

}  // namespace rest
