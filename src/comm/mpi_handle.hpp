#pragma once

// The C++ bindings are gone from MPI 3 and want a library of their own.
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>

#include "rest/comm/communicator.hpp"

namespace rest {

struct Communicator::Handle {
  MPI_Comm comm;
  bool owned;  ///< freed with the last copy
  Handle(MPI_Comm c, bool o) : comm(c), owned(o) {}
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
};

/// Throws Error naming call, rank and MPI's own words unless `status` is MPI_SUCCESS.
void check_mpi(int status, const char* call);

inline MPI_Comm mpi_comm(const Communicator& communicator) { return communicator.handle()->comm; }

/// A private copy, so that messages of one object never meet those of another. Collective; not for serial ones.
Communicator duplicate(const Communicator& communicator);

}  // namespace rest
