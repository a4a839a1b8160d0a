#include "rest/comm/work_queue.hpp"

#include <unistd.h>

#include <algorithm>

#include "mpi_handle.hpp"
#include "rest/core/signals.hpp"

namespace rest {
namespace {

constexpr int tag_request = 1, tag_answer = 2;
constexpr std::int64_t nothing_left = -1;
constexpr useconds_t nap = 200;  // microseconds between looks at the mailbox, where there is nothing else to do

}  // namespace

/// Requests carry one flag: "a stop was requested here". Answers carry an item or nothing_left. Every other rank is told
/// nothing_left exactly once; rank 0's destructor waits until all have been.
struct WorkQueue::State {
  Communicator communicator;
  std::vector<std::int64_t> items;
  std::size_t next_item = 0;
  std::int64_t taken = 0;
  bool stopped = false;
  int served_out = 0;                    // rank 0: ranks that were told nothing_left
  MPI_Comm comm = MPI_COMM_NULL;
  // other ranks: the request under way
  std::int64_t request_flag = 0, answer = nothing_left;
  MPI_Request sent = MPI_REQUEST_NULL, answered = MPI_REQUEST_NULL;
  bool asking = false, finished = false;

  std::int64_t take() {
    stopped = stopped || stop_requested();
    return stopped || next_item == items.size() ? nothing_left : items[next_item++];
  }

  void ask() {
    request_flag = stop_requested() ? 1 : 0;
    check_mpi(MPI_Irecv(&answer, 1, MPI_INT64_T, 0, tag_answer, comm, &answered), "MPI_Irecv");
    check_mpi(MPI_Isend(&request_flag, 1, MPI_INT64_T, 0, tag_request, comm, &sent), "MPI_Isend");
    asking = true;
  }

  std::int64_t await_answer() {
    int done = 0;
    while (true) {
      check_mpi(MPI_Test(&answered, &done, MPI_STATUS_IGNORE), "MPI_Test");
      if (done) break;
      usleep(nap);
    }
    check_mpi(MPI_Wait(&sent, MPI_STATUS_IGNORE), "MPI_Wait");
    asking = false;
    finished = answer == nothing_left;
    return answer;
  }

  void serve() {
    while (true) {
      int waiting = 0;
      MPI_Status status;
      check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, tag_request, comm, &waiting, &status), "MPI_Iprobe");
      if (!waiting) return;
      std::int64_t flag = 0;
      check_mpi(MPI_Recv(&flag, 1, MPI_INT64_T, status.MPI_SOURCE, tag_request, comm, MPI_STATUS_IGNORE), "MPI_Recv");
      stopped = stopped || flag != 0;
      const std::int64_t item = take();
      if (item == nothing_left) ++served_out;
      check_mpi(MPI_Send(&item, 1, MPI_INT64_T, status.MPI_SOURCE, tag_answer, comm), "MPI_Send");
    }
  }
};

WorkQueue::WorkQueue(const Communicator& communicator, std::vector<std::int64_t> items) : state_(new State) {
  state_->communicator = communicator;
  state_->items = std::move(items);
  if (!communicator.handle()) return;
  check_mpi(MPI_Comm_dup(mpi_comm(communicator), &state_->comm), "MPI_Comm_dup");
  if (!communicator.is_root()) state_->ask();
}

WorkQueue::~WorkQueue() {
  if (!state_->communicator.handle() || std::uncaught_exceptions() > 0) return;
  try {
    if (state_->communicator.is_root()) {
      state_->stopped = true;  // an owner that leaves early stops the others too
      while (state_->served_out < state_->communicator.size() - 1) {
        state_->serve();
        usleep(nap);
      }
    } else {
      while (!state_->finished) {  // items fetched but never started are simply not done
        if (!state_->asking) state_->ask();
        state_->await_answer();
      }
    }
    MPI_Comm_free(&state_->comm);
  } catch (const std::exception&) {
    // A destructor cannot report it; the next MPI call of this rank will.
  }
}

std::optional<std::int64_t> WorkQueue::next() {
  State& state = *state_;
  const auto found = [&](std::int64_t item) -> std::optional<std::int64_t> {
    if (item == nothing_left) return std::nullopt;
    ++state.taken;
    return item;
  };
  if (!state.communicator.handle()) return found(state.take());
  if (state.communicator.is_root()) {
    state.serve();
    const std::int64_t item = state.take();
    if (item != nothing_left) return found(item);
    while (state.served_out < state.communicator.size() - 1) {  // the others may still be asking
      state.serve();
      usleep(nap);
    }
    return std::nullopt;
  }
  if (state.finished) return std::nullopt;
  const std::int64_t item = state.await_answer();
  if (item == nothing_left) return std::nullopt;
  state.ask();  // one ahead
  if (stop_requested()) return std::nullopt;
  return found(item);
}

void WorkQueue::progress() {
  if (state_->communicator.handle() && state_->communicator.is_root()) state_->serve();
}

std::int64_t WorkQueue::handed_out() const {
  return state_->communicator.is_root() ? static_cast<std::int64_t>(state_->next_item) : state_->taken;
}

}  // namespace rest
