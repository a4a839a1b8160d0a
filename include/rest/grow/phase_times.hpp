#pragma once

#include <array>
#include <chrono>
#include <cstddef>

namespace rest {

/// What sampling spends its time on.
enum class Phase : std::size_t { encoder, projection, attention, feed_forward, head, bookkeeping };
constexpr std::array<const char*, 6> phase_names = {"encoder",      "projection", "attention",
                                                    "feed-forward", "head",       "bookkeeping"};

using PhaseSeconds = std::array<double, phase_names.size()>;

/// Seconds by phase. Time is charged at the end of what took it, so that nothing is left out.
class PhaseTimes {
 public:
  /// All time since the last charge, or since the object was made.
  void charge(Phase phase) {
    const auto now = Clock::now();
    seconds_[static_cast<std::size_t>(phase)] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }
  const PhaseSeconds& seconds() const { return seconds_; }

 private:
  using Clock = std::chrono::steady_clock;
  PhaseSeconds seconds_{};
  Clock::time_point last_ = Clock::now();
};

}  // namespace rest
