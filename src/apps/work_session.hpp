#pragma once

#include <optional>

#include "apps/command_line.hpp"
#include "rest/comm/watchdog.hpp"
#include "rest/core/run_lock.hpp"

namespace rest {

/// What a program that writes into a run holds while it works: the lock and live status of its work (rank 0), and the
/// watchdog over its ranks. Begins with a look at the processors of the ranks, and sets the computing threads.
class WorkSession {
 public:
  /// Collective. Throws UsageError on all ranks alike when another program works on the same, or when ranks differ in
  /// instruction set and the command line does not allow it.
  WorkSession(const Communicator& world, const CommandLine& command, const WorkName& work);

  /// The run of the command line, whose progress goes to the live status.
  const RunDirectory& run() const { return run_; }

 private:
  std::optional<RunLock> lock_;
  RunDirectory run_;
  std::optional<Watchdog> watchdog_;
};

}  // namespace rest
