#pragma once

#include <filesystem>
#include <memory>

#include "rest/comm/communicator.hpp"

namespace rest {

/// Ends the job when a rank waits for others that will never come: one hangs, was stopped, or its node is gone without
/// the network having noticed.
///
/// A thread on each rank looks now and then whether the rank shows life: it calls MPI or uses processor time. What it
/// sees it writes to a small file of its rank. A rank that has waited in MPI for longer than the limit reads all of
/// them: it ends its process, and so the job, when another rank has shown no life for as long, or when all of them
/// wait. Work that is slow but alive, however long, is waited for. The thread calls neither MPI nor anything of the
/// main thread's, as MPI_THREAD_FUNNELED wants it.
class Watchdog {
 public:
  /// `folder` is seen by all ranks; the files are removed at the end. Seconds of 0: no watching. Collective.
  Watchdog(const Communicator& world, std::filesystem::path folder, double limit_seconds);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  class Watch;
  std::unique_ptr<Watch> watch_;
};

/// REST_WATCHDOG_SECONDS, else 1800: far above what a disk or a network takes to come back.
double watchdog_limit();

}  // namespace rest
