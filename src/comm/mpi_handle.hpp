#pragma once

// The C++ bindings are gone from MPI 3 and want a library of their own.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include <atomic>
#include <memory>
#include <utility>

#include "rest/comm/communicator.hpp"

namespace rest {

/// What this rank does in MPI, for the watchdog: shared by all communicators that come from one.
struct MpiActivity {
  std::atomic<const char*> call{nullptr};  ///< where it waits for other ranks; null: it does not
  std::atomic<std::uint64_t> changes{0};   ///< of `call`
};

struct Communicator::Handle {
  MPI_Comm comm;
  bool owned;  ///< freed with the last copy
  std::shared_ptr<MpiActivity> activity;
  Handle(MPI_Comm c, bool o, std::shared_ptr<MpiActivity> a = std::make_shared<MpiActivity>())
      : comm(c), owned(o), activity(std::move(a)) {}
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
};

/// Throws Error naming call, rank and MPI's own words unless `status` is MPI_SUCCESS.
void check_mpi(int status, const char* call);

inline MPI_Comm mpi_comm(const Communicator& communicator) { return communicator.handle()->comm; }

/// Marks the time for which this rank may wait for others.
class Waiting {
 public:
  Waiting(const Communicator& communicator, const char* call)
      : activity_(*communicator.handle()->activity), outer_(activity_.call.exchange(call)) {
    ++activity_.changes;
  }
  ~Waiting() {
    activity_.call = outer_;
    ++activity_.changes;
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

 private:
  MpiActivity& activity_;
  const char* outer_;
};

/// A private copy, so that messages of one object never meet those of another. Collective; not for serial ones.
Communicator duplicate(const Communicator& communicator);

}  // namespace rest
