#pragma once

namespace rest {

/// Installs handlers for TERM, INT and USR1 that only set a flag. Work asks stop_requested() at its next safe point,
/// saves what it has and ends with exit_stopped. A second INT ends the process at once.
void install_stop_signals();
bool stop_requested();

/// Exit codes of every program.
enum ExitCode : int {
  exit_success = 0,
  exit_failure = 1,
  exit_usage = 2,     ///< command line or experiment file
  exit_stopped = 75,  ///< stopped by a signal with its state saved: start it again to go on
};

}  // namespace rest
