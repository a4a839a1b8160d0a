#include "fault_bodies.hpp"

#include <signal.h>
#include <unistd.h>

#include <new>
#include <string>

#include "rest/comm/communicator.hpp"
#include "rest/comm/work_queue.hpp"
#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"

namespace {

using rest::Communicator;

/// `rank` raises a stop during its second item. Nobody may start a sixth of a long queue's items after that.
int stop_queue(const Communicator& world, int rank) {
  constexpr std::int64_t items = 1000;
  std::vector<std::int64_t> all(items);
  rest::install_stop_signals();
  std::int64_t started = 0;
  {
    rest::WorkQueue queue(world, all);
    while (queue.next()) {
      if (++started == 2 && world.rank() == rank) raise(SIGUSR1);
      for (int i = 0; i < 10; ++i) {
        usleep(1000);
        queue.progress();
      }
    }
    if (queue.next()) throw rest::Error("the queue gave an item after the last");
  }
  const std::int64_t total = rest::sum(world, started);
  if (total < 2 || total > items / 6)
    throw rest::Error(rest::concat(total, " items were started, and a stop requested"));
  return started >= 2 && world.rank() == rank ? rest::exit_stopped : rest::exit_success;
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
  if (fault == "queue-error") {
    rest::WorkQueue queue(world, {1, 2, 3, 4, 5, 6, 7, 8});
    while (queue.next()) {
      if (chosen) throw rest::Error("this rank fails in a queue");
    }
  }
  if (fault != "code") rest::barrier(world);  // a rank that does not fail waits in a collective
  return rest::exit_success;
}

}  // namespace

int run_fault_body(int argc, char** argv) { return rest::run_main(argc, argv, body); }
