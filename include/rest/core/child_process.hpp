#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>

namespace rest {

/// Splits off a small process that starts others on request. A program under MPI must not fork: the first thing a
/// program that needs ChildProcess does, before MPI starts and threads are made. It ends, and all it started with it,
/// when this process does, however that ends.
void start_spawner();

/// A program started by "/bin/sh -c", in a process group of its own, spoken to line by line through its standard input
/// and output; its standard error is ours.
class ChildProcess {
 public:
  enum class Outcome { line, ended, timed_out };
  struct Answer {
    Outcome outcome;
    std::string text;  ///< the line without its end; or how the program ended, in words
  };
  using Seconds = std::chrono::duration<double>;

  /// Throws Error when start_spawner() was not called, or the program cannot be started.
  explicit ChildProcess(const std::string& command);
  /// Ends its input, and the program when it has not ended two seconds later.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// The next line it prints.
  Answer read_line(Seconds patience);
  /// Sends `line`, to which the end is added, and gives the next line it prints.
  Answer ask(const std::string& line, Seconds patience);

 private:
  using Clock = std::chrono::steady_clock;
  Answer exchange(const std::string& to_send, Seconds patience);
  std::string end(Seconds patience);

  pid_t pid_ = -1;
  int socket_ = -1;
  std::string read_;  // behind the last line
};

}  // namespace rest
