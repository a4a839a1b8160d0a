#include "rest/comm/work_queue.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>

#include "rest/core/signals.hpp"

namespace rest {
namespace {

TEST(SerialWorkQueue, HandsOutItemsInOrderThenNothing) {
  WorkQueue queue({}, {4, 2, 9});
  for (const std::int64_t item : {4, 2, 9}) {
    queue.progress();
    EXPECT_EQ(queue.next(), item);
  }
  EXPECT_EQ(queue.handed_out(), 3);
  EXPECT_EQ(queue.next(), std::nullopt);
  EXPECT_EQ(queue.next(), std::nullopt);
  EXPECT_EQ(queue.handed_out(), 3);
}

TEST(SerialWorkQueue, OfNothingIsEmptyAtOnce) {
  WorkQueue queue({}, {});
  EXPECT_EQ(queue.next(), std::nullopt);
  EXPECT_EQ(queue.handed_out(), 0);
}

TEST(SerialWorkQueue, TellsWhatWasDone) {
  WorkQueue::Counters told{};
  WorkQueue queue({}, {1, 2}, [&](const WorkQueue::Counters& totals) { told = totals; });
  queue.progress({3, 4});
  EXPECT_EQ(told, (WorkQueue::Counters{3, 4}));
  EXPECT_FALSE(queue.stopped());
}

void stop_after_one_item() {
  WorkQueue queue({}, {1, 2, 3});
  install_stop_signals();
  const bool first = queue.next() == 1;
  raise(SIGUSR1);
  const bool none = !queue.next() && queue.handed_out() == 1 && queue.stopped();
  std::exit(first && none ? exit_stopped : exit_failure);
}

// In a process of its own: a stop cannot be taken back.
TEST(SerialWorkQueueDeathTest, HandsOutNothingMoreOnceAStopIsRequested) {
  EXPECT_EXIT(stop_after_one_item(), testing::ExitedWithCode(exit_stopped), "");
}

}  // namespace
}  // namespace rest
