#include "fault_bodies.hpp"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <new>
#include <string>
#include <vector>

#include "rest/comm/agreement.hpp"
#include "rest/comm/communicator.hpp"
#include "rest/comm/watchdog.hpp"
#include "rest/comm/work_queue.hpp"
#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"

namespace {

using rest::Communicator;

/// One item's worth of time, in which the queue is served: without it one rank may drain the queue before another
/// has been handed anything.
void work_on_item(rest::WorkQueue& queue) {
  for (int i = 0; i < 10; ++i) {
    usleep(1000);
    queue.progress();
  }
}

std::vector<std::int64_t> long_queue() { return std::vector<std::int64_t>(1000); }

/// `rank` raises a stop during its second item. Nobody may start a sixth of a long queue's items after that.
int stop_queue(const Communicator& world, int rank) {
  const std::vector<std::int64_t> items = long_queue();
  rest::install_stop_signals();
  std::int64_t started = 0;
  {
    rest::WorkQueue queue(world, items);
    while (queue.next()) {
      if (++started == 2 && world.rank() == rank) raise(SIGUSR1);
      work_on_item(queue);
    }
    if (queue.next()) throw rest::Error("the queue gave an item after the last");
  }
  const std::int64_t total = rest::sum(world, started);
  if (total < 2 || total > static_cast<std::int64_t>(items.size()) / 6)
    throw rest::Error(rest::concat(total, " items were started, and a stop requested"));
  return started >= 2 && world.rank() == rank ? rest::exit_stopped : rest::exit_success;
}

/// The chosen rank fails at its first item.
void fail_in_queue(const Communicator& world, bool chosen) {
  rest::WorkQueue queue(world, long_queue());
  while (queue.next()) {
    if (chosen) throw rest::Error("this rank fails in a queue");
    work_on_item(queue);
  }
}

/// The chosen rank hangs in this way while the others wait for it.
void hang(const Communicator& world, const std::string& how, bool chosen) {
  const double limit = 2.0;  // seconds
  const rest::Watchdog watchdog(world, std::filesystem::temp_directory_path() / "watchdog", limit);
  if (chosen && how == "hang-asleep") pause();
  if (chosen && how == "hang-frozen") raise(SIGSTOP);
  if (chosen && how == "hang-apart") {
    rest::WorkQueue queue(world, {});  // waits for the others to make it too
  }
  const auto start = std::chrono::steady_clock::now();
  volatile double busy = 0.0;
  while (chosen && how == "hang-slow" && std::chrono::steady_clock::now() - start < std::chrono::seconds(6)) {
    busy = busy + 1.0;
  }
  rest::barrier(world);
}

int body(const Communicator& world, int argc, char** argv) {
  const std::string fault = std::string(argv[1]).substr(8);
  const bool chosen = argc > 2 && world.rank() == std::stoi(argv[2]);
  if (fault == "error" && chosen) throw rest::Error("this rank fails", "as asked", "look on");
  if (fault == "usage" && chosen) throw rest::UsageError("this rank has a usage error");
  if (fault == "usage-all") throw rest::UsageError("every rank has this usage error");
  if (fault == "memory" && chosen) throw std::bad_alloc();
  if (fault == "odd" && chosen) throw 42;
  if (fault == "code" && chosen) return rest::exit_usage;
  if (fault == "stop") return stop_queue(world, std::stoi(argv[2]));
  if (fault == "queue-error") fail_in_queue(world, chosen);
  if (fault.rfind("hang-", 0) == 0) hang(world, fault, chosen);
  if (fault == "stopped" && chosen) raise(SIGUSR1);
  if (fault == "stopped") rest::stop_point(world);
  if (fault != "code") rest::barrier(world);  // a rank that does not fail waits in a collective
  return rest::exit_success;
}

}  // namespace

int run_fault_body(int argc, char** argv) {
  rest::install_stop_signals();
  return rest::run_main(argc, argv, body);
}
