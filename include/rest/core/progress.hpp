#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace rest {

/// How far long work is.
struct ProgressFigures {
  std::string label, unit;
  std::uint64_t done = 0, total = 0;
  double rate = 0.0;           ///< units a second since this program began the work; 0 while unknown
  double seconds_left = -1.0;  ///< negative while unknown
};

using ProgressSink = std::function<void(const ProgressFigures&)>;

/// Progress of long work: on a terminal a bar with rate and time left; in a log file a line as soon as a rate is known
/// (after 5 s), then one every 30 s. Silent when `output` says so (ranks above 0). `sink`, if given, hears of every
/// update, printed or not.
class Progress {
 public:
  enum class Output { enabled, silent };
  Progress(std::string label, std::string unit, std::uint64_t total, Output output = Output::enabled,
           ProgressSink sink = {});
  ~Progress();
  /// `done` units of the total; `note` follows the rate ("loss 3.21").
  void update(std::uint64_t done, const std::string& note = {});
  /// Last line: total, time taken, mean rate.
  void finish(const std::string& note = {});

 private:
  using Clock = std::chrono::steady_clock;
  ProgressFigures figures(Clock::time_point now) const;
  bool is_due(Clock::time_point now) const;

  std::string label_, unit_;
  std::uint64_t total_, done_ = 0, first_done_ = 0;
  bool enabled_, terminal_, started_ = false, printed_ = false;
  ProgressSink sink_;
  Clock::time_point start_, last_print_;
};

}  // namespace rest
