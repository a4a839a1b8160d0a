#include "rest/core/signals.hpp"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "rest/core/error.hpp"

namespace rest {
namespace {

// The one global of the project: a signal handler has nowhere else to write.
volatile sig_atomic_t interrupts = 0, stop = 0;

void on_signal(int signal) {
  stop = 1;
  if (signal == SIGINT) {
    interrupts = interrupts + 1;
    if (interrupts > 1) _exit(128 + SIGINT);
  }
}

}  // namespace

void install_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    if (sigaction(signal, &action, nullptr) != 0)
      throw Error(concat("sigaction failed for signal ", signal), std::strerror(errno));
  }
  // A launcher may have blocked them (env --block-signal): what came while the libraries were loaded is seen now.
  sigset_t stops;
  sigemptyset(&stops);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&stops, signal);
  if (sigprocmask(SIG_UNBLOCK, &stops, nullptr) != 0) throw Error("sigprocmask failed", std::strerror(errno));
}

bool stop_requested() { return stop != 0; }

}  // namespace rest
