#pragma once

#include <exception>

namespace rest {

/// Installs handlers for TERM, INT and USR1 that only set a flag. Work asks stop_requested() at its next safe point,
/// saves what it has and ends with exit_stopped. A second INT ends the process at once. The first thing a program does:
/// a signal before it ends the process in the system's way, unless it was started with them blocked (env
/// --block-signal=USR1): they are unblocked here.
void install_stop_signals();
bool stop_requested();

/// Leaves work that a stop was requested in and that will be done again after the next start. It reaches run_main,
/// which ends with exit_stopped, on all ranks or on none (stop_point, share_out): else some would wait for the others.
struct Stopped : std::exception {
  const char* what() const noexcept override { return "a stop was requested"; }
};

/// Exit codes of every program.
enum ExitCode : int {
  exit_success = 0,
  exit_failure = 1,
  exit_usage = 2,     ///< command line or experiment file
  exit_stopped = 75,  ///< stopped by a signal with its state saved: start it again to go on
};

}  // namespace rest
