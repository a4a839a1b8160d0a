#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "rest/core/span.hpp"

namespace rest {

/// A group of ranks as a value: copy it, pass it on. The default one is serial (one rank, no MPI needed).
/// mpi.h stays out of this header; free functions below are the operations.
class Communicator {
 public:
  Communicator() = default;
  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }

  struct Handle;                                          ///< the MPI communicator, defined in src/comm
  const Handle* handle() const { return handle_.get(); }  ///< null means serial
  explicit Communicator(std::shared_ptr<const Handle> handle);

 private:
  std::shared_ptr<const Handle> handle_;
  int rank_ = 0, size_ = 1;
};

void barrier(const Communicator&);
bool any(const Communicator&, bool value);  ///< true on all ranks if true on one
std::int64_t sum(const Communicator&, std::int64_t value);
/// Rank 0's bytes on every rank.
std::string broadcast(const Communicator&, std::string bytes);
/// Every rank's bytes, by rank, on every rank.
std::vector<std::string> all_gather(const Communicator&, const std::string& bytes);
/// Every rank's values end to end by rank, on every rank; the counts may differ. Used with rank-ordered ranges.
std::vector<double> all_gather(const Communicator&, Span<const double> values);
double largest(const Communicator&, double value);  ///< of those of all ranks

/// The communicator of the ranks on this host.
Communicator split_by_host(const Communicator&);

/// MPI_Init_thread and MPI_Finalize. Started without mpirun or srun it is a world of one rank.
/// MPI's own errors become rest::Error naming call and rank (MPI_ERRORS_RETURN).
class MpiSession {
 public:
  MpiSession(int& argc, char**& argv);
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
  const Communicator& world() const { return world_; }

  /// Ends all ranks at once (MPI_Abort). Only run_main calls it.
  [[noreturn]] void abort(int code) const;
  /// Did every rank call this within `seconds` of this one? For ranks that fail together. At most once a session.
  bool all_end(double seconds) const;

 private:
  Communicator world_;
  Communicator ending_;  ///< all_end() must not meet a collective that another rank still waits in
};

/// The one place where errors end a program: runs `body(world)` inside a session, logs rank and cause of an escaping
/// exception and aborts all ranks. Returns body's exit code; UsageError gives exit_usage, any other exit_failure.
/// A usage error that all ranks share is logged by rank 0 only and ends without MPI_Abort's noise.
/// Ranks agree on the code: exit_stopped on one rank is exit_stopped on all.
int run_main(int argc, char** argv, int (*body)(const Communicator& world, int argc, char** argv));

}  // namespace rest
