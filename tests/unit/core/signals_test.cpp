#include "rest/core/signals.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

namespace rest {
namespace {

[[noreturn]] void stop_by(int signal) {
  install_stop_signals();
  if (stop_requested()) _exit(1);
  raise(signal);
  _exit(stop_requested() ? exit_stopped : exit_failure);
}

TEST(StopSignalsDeathTest, OnlySetAFlag) {
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    EXPECT_EXIT(stop_by(signal), testing::ExitedWithCode(exit_stopped), "") << signal;
  }
}

/// As a process that was started with the signal blocked.
[[noreturn]] void stop_before_installation() {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  raise(SIGUSR1);
  install_stop_signals();
  _exit(stop_requested() ? exit_stopped : exit_failure);
}

TEST(StopSignalsDeathTest, SeeWhatCameWhileTheyWereBlocked) {
  EXPECT_EXIT(stop_before_installation(), testing::ExitedWithCode(exit_stopped), "");
}

TEST(StopSignalsDeathTest, SecondInterruptEndsTheProcess) {
  EXPECT_EXIT((install_stop_signals(), raise(SIGINT), raise(SIGINT), _exit(0)), testing::ExitedWithCode(128 + SIGINT),
              "");
}

TEST(StopSignalsDeathTest, RepeatedTerminationDoesNot) {
  EXPECT_EXIT((install_stop_signals(), raise(SIGTERM), raise(SIGTERM), _exit(7)), testing::ExitedWithCode(7), "");
}

}  // namespace
}  // namespace rest
