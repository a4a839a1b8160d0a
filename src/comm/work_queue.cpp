#include "rest/comm/work_queue.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <type_traits>

#include "mpi_handle.hpp"
#include "rest/core/log.hpp"
#include "rest/core/signals.hpp"

namespace rest {
namespace {

constexpr std::int64_t nothing_left = -1;
constexpr useconds_t nap = 100;  // microseconds between looks at the mailbox: a waiting rank leaves its core to others

using Clock = std::chrono::steady_clock;
using Counters = WorkQueue::Counters;

constexpr std::chrono::seconds report_pause{1};

/// Words of the other ranks to rank 0 (tag_word). `ask` is answered by an item or nothing_left (tag_item), `report` by
/// nothing. Each rank says one of the other two exactly once, as its last word: messages of a rank arrive in order, so
/// that rank 0, which waits for the last words, leaves none unread.
enum Word : std::int64_t { ask, report, leave, leave_and_stop };
/// A word as it travels, with what its rank has done so far.
struct Message {
  std::int64_t word;
  Counters done;
};
constexpr int message_length = sizeof(Message) / sizeof(std::int64_t);
static_assert(std::is_trivially_copyable_v<Message> &&
              sizeof(Message) == (1 + Counters().size()) * sizeof(std::int64_t));
/// Rank 0 sends each other rank exactly one notice (tag_notice): when a stop is requested, else when that rank leaves.
constexpr int tag_word = 1, tag_item = 2, tag_notice = 3;

void send(const Communicator& to, int rank, int tag, std::int64_t value) {
  check_mpi(MPI_Send(&value, 1, MPI_INT64_T, rank, tag, mpi_comm(to)), "MPI_Send");
}

/// One value that will arrive from rank 0.
class Arrival {
 public:
  void expect(const Communicator& from, int tag) {
    check_mpi(MPI_Irecv(&value_, 1, MPI_INT64_T, 0, tag, mpi_comm(from), &request_), "MPI_Irecv");
  }
  bool is_here() {
    int done = 0;
    check_mpi(MPI_Test(&request_, &done, MPI_STATUS_IGNORE), "MPI_Test");
    return done != 0;  // also when nothing is expected
  }
  std::int64_t wait(const Communicator& from) {
    const Waiting waiting(from, "the work queue");
    while (!is_here()) usleep(nap);
    return value_;
  }

 private:
  std::int64_t value_ = nothing_left;
  MPI_Request request_ = MPI_REQUEST_NULL;
};

}  // namespace

struct WorkQueue::State {
  Communicator communicator;  // of this queue alone
  std::vector<std::int64_t> items;
  Observer observer;
  bool stopped = false;
  Counters done{};  // by this rank

  // Rank 0, and serial.
  std::vector<Counters> done_by_rank;
  std::size_t next_item = 0;
  std::vector<bool> told, noticed;  // by rank: that nothing is left (or it left); the notice
  int left = 0;

  // The other ranks.
  Arrival item, notice;
  bool finished = false, said_last = false;
  std::int64_t started = 0;
  Clock::time_point last_word = Clock::now();

  int others() const { return communicator.size() - 1; }
  bool all_told() const { return std::count(told.begin(), told.end(), true) == others(); }

  std::int64_t take() { return stopped || next_item == items.size() ? nothing_left : items[next_item++]; }

  void send_notice(int rank) {
    const auto r = static_cast<std::size_t>(rank);
    if (noticed[r]) return;
    noticed[r] = true;
    send(communicator, rank, tag_notice, 0);
  }

  void note_stop() {
    stopped = stopped || stop_requested();
    for (int r = 1; stopped && r < communicator.size(); ++r) send_notice(r);
  }

  void observe() const {
    if (!observer) return;
    Counters totals = done;
    for (const Counters& of_rank : done_by_rank) {
      for (std::size_t i = 0; i < totals.size(); ++i) totals[i] += of_rank[i];
    }
    observer(totals);
  }

  void answer(int rank, const Message& message) {
    const auto r = static_cast<std::size_t>(rank);
    const std::int64_t word = message.word;
    done_by_rank[r] = message.done;
    if (word == report) return;
    if (word == ask) {
      const std::int64_t item_or_none = take();
      if (item_or_none == nothing_left) told[r] = true;
      send(communicator, rank, tag_item, item_or_none);
      return;
    }
    ++left;
    told[r] = true;
    if (word == leave_and_stop) stopped = true;
    send_notice(rank);
    note_stop();
  }

  /// Answers all that came.
  void serve() {
    note_stop();
    for (int answered = 0; others() > 0; ++answered) {
      int waiting = 0;
      MPI_Status status;
      check_mpi(MPI_Iprobe(MPI_ANY_SOURCE, tag_word, mpi_comm(communicator), &waiting, &status), "MPI_Iprobe");
      if (!waiting) {
        if (answered > 0) observe();
        return;
      }
      Message message{};
      check_mpi(MPI_Recv(&message, message_length, MPI_INT64_T, status.MPI_SOURCE, tag_word, mpi_comm(communicator),
                         MPI_STATUS_IGNORE),
                "MPI_Recv");
      answer(status.MPI_SOURCE, message);
    }
  }

  std::int64_t next_of_root() {
    serve();
    const std::int64_t own = take();
    if (own != nothing_left || others() == 0) return own;
    // The others still ask, and rank 0 may be away for long once it has been told that its work is done.
    const Waiting waiting(communicator, "the work queue");
    while (!stopped && !all_told()) {
      usleep(nap);
      serve();
    }
    return own;
  }

  void say(Word word) {
    const Message message{word, done};
    last_word = Clock::now();
    check_mpi(MPI_Send(&message, message_length, MPI_INT64_T, 0, tag_word, mpi_comm(communicator)), "MPI_Send");
  }

  void ask_for_item() {
    item.expect(communicator, tag_item);
    say(ask);
  }

  void say_last(Word word) {
    if (said_last) return;
    said_last = finished = true;
    say(word);
  }

  void progress_of_other() {
    if (finished || is_stopped()) return;
    if (Clock::now() - last_word >= report_pause) say(report);
  }

  /// A stop anywhere: here, or noticed by rank 0 (whose notice comes to a rank that has not left only for that).
  bool is_stopped() {
    stopped = stopped || stop_requested() || (!said_last && notice.is_here());
    if (stopped) say_last(leave_and_stop);
    return stopped;
  }

  std::int64_t next_of_other() {
    {
      const Waiting waiting(communicator, "the work queue");
      while (!finished && !is_stopped() && !item.is_here()) usleep(nap);
    }
    if (finished) return nothing_left;
    const std::int64_t own = item.wait(communicator);
    if (own == nothing_left) {
      say_last(leave);
      return nothing_left;
    }
    ask_for_item();  // one ahead
    ++started;
    return own;
  }

  void end() {
    if (communicator.is_root()) {
      const Waiting waiting(communicator, "the work queue");
      while (left < others()) {
        serve();
        usleep(nap);
      }
    } else {
      say_last(stop_requested() ? leave_and_stop : leave);
      item.wait(communicator);
      notice.wait(communicator);
    }
  }
};

WorkQueue::WorkQueue(const Communicator& communicator, std::vector<std::int64_t> items, Observer observer)
    : state_(new State) {
  state_->items = std::move(items);
  state_->observer = std::move(observer);
  if (!communicator.handle()) return;
  state_->communicator = duplicate(communicator);
  state_->told.assign(static_cast<std::size_t>(communicator.size()), false);
  state_->noticed = state_->told;
  state_->done_by_rank.assign(state_->told.size(), Counters{});
  if (communicator.is_root()) return;
  state_->notice.expect(state_->communicator, tag_notice);
  state_->ask_for_item();
}

WorkQueue::~WorkQueue() {
  if (!state_->communicator.handle()) return;
  if (std::uncaught_exceptions() > 0) {
    // This rank fails alone: no waiting for the others. What MPI may still write to must outlive it.
    static_cast<void>(state_.release());
    return;
  }
  try {
    state_->end();
  } catch (const std::exception& problem) {
    log_error(problem.what());  // a destructor cannot pass it on; the next MPI call of this rank will fail too
  }
}

std::optional<std::int64_t> WorkQueue::next() {
  const std::int64_t item = state_->communicator.is_root() ? state_->next_of_root() : state_->next_of_other();
  if (item == nothing_left) return std::nullopt;
  return item;
}

void WorkQueue::progress() {
  if (state_->communicator.is_root()) {
    state_->serve();
  } else {
    state_->progress_of_other();
  }
}

void WorkQueue::progress(const Counters& done) {
  state_->done = done;
  progress();
  if (state_->communicator.is_root()) state_->observe();
}

bool WorkQueue::stopped() const { return state_->stopped; }

std::int64_t WorkQueue::handed_out() const {
  return state_->communicator.is_root() ? static_cast<std::int64_t>(state_->next_item) : state_->started;
}

}  // namespace rest
