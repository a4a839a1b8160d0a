#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <new>

#include "mpi_handle.hpp"
#include "rest/comm/communicator.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/signals.hpp"

namespace rest {

MpiSession::MpiSession(int& argc, char**& argv) {
  // Open MPI started without mpirun would launch a daemon, for which it wants ssh; a world of one needs neither.
  setenv("OMPI_MCA_ess_singleton_isolated", "1", 0);
  int provided = 0, size = 1;
  const int status = MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  if (status != MPI_SUCCESS || provided < MPI_THREAD_FUNNELED) {
    throw Error("MPI_Init_thread failed", concat("thread level ", provided),
                "check that the program runs under the MPI it was built with");
  }
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &size), "MPI_Comm_size");
  if (size > 1) {
    world_ = Communicator(std::make_shared<const Communicator::Handle>(MPI_COMM_WORLD, false));
    ending_ = duplicate(world_);
  }
}

MpiSession::~MpiSession() {
  if (std::uncaught_exceptions() > 0) return;
  ending_ = {};  // freed while MPI still runs
  if (MPI_Finalize() != MPI_SUCCESS) log_warning("MPI_Finalize failed");
}

void MpiSession::abort(int code) const {
  MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);  // not reached where MPI_Abort does its work
}

bool MpiSession::all_end(double seconds) const {
  if (!ending_.handle()) return true;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  MPI_Request request = MPI_REQUEST_NULL;
  int done = MPI_Ibarrier(mpi_comm(ending_), &request) == MPI_SUCCESS ? 0 : -1;
  while (done == 0 && std::chrono::steady_clock::now() < deadline) {
    if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return false;
    if (!done) usleep(1000);
  }
  return done == 1;
}

namespace {

constexpr double patience = 2.0;  // seconds a rank waits for the others to fail in the same way

/// LibTorch frees and maps large tensors every step: keeping them in the heap saves up to a third of training time.
void keep_large_blocks() {
  constexpr int kept_bytes = 1 << 30;
  mallopt(M_MMAP_THRESHOLD, kept_bytes);
  mallopt(M_TRIM_THRESHOLD, kept_bytes);
  mallopt(M_TOP_PAD, 64 << 20);
}

int end_failed(const MpiSession& session, const std::string& words) {
  // What all ranks met is rank 0's to word: it ends the others before they have waited.
  if (!session.world().is_root()) sleep(1);
  log_error(words);
  if (session.world().size() > 1) session.abort(exit_failure);
  return exit_failure;
}

/// What every rank read in the same command line or experiment is worded by rank 0 and ends quietly; what only some
/// found wrong is worded by each of them and ends the others.
int end_usage(const MpiSession& session, const std::string& words) {
  const Communicator& world = session.world();
  if (world.is_root()) log_error(words);
  if (session.all_end(patience)) return exit_usage;
  if (!world.is_root()) log_error(words);
  session.abort(exit_usage);
}

/// One exit code for all ranks: the lowest failing rank's, else a stop, else success.
int agree_on_exit(const Communicator& world, int code) {
  const std::vector<double> own{static_cast<double>(code)};
  int agreed = exit_success;
  for (const double of_rank : all_gather(world, Span<const double>(own))) {
    if (of_rank != exit_success && of_rank != exit_stopped) return static_cast<int>(of_rank);
    if (of_rank == exit_stopped) agreed = exit_stopped;
  }
  return agreed;
}

}  // namespace

int run_main(int argc, char** argv, int (*body)(const Communicator& world, int argc, char** argv)) {
  keep_large_blocks();
  const std::string program = argc > 0 ? std::filesystem::path(argv[0]).filename().string() : "rest";
  try {
    configure_log(program, 0);
    const MpiSession session(argc, argv);
    try {
      configure_log(program, session.world().rank());
      return agree_on_exit(session.world(), body(session.world(), argc, argv));
    } catch (const Stopped&) {
      if (session.world().is_root()) log_info("stopped by a signal; start the same command again to go on");
      return agree_on_exit(session.world(), exit_stopped);
    } catch (const UsageError& problem) {
      return end_usage(session, problem.what());
    } catch (const std::bad_alloc&) {
      return end_failed(session, "out of memory; run fewer ranks a host, or lower grow.max_rows or tokens_per_update");
    } catch (const std::exception& problem) {
      return end_failed(session, problem.what());
    } catch (...) {
      return end_failed(session, "an exception that is not a std::exception escaped");
    }
  } catch (const std::exception& problem) {
    log_error(problem.what());
    return exit_failure;
  }
}

}  // namespace rest
