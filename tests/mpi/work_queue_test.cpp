#include "rest/comm/work_queue.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "world.hpp"

namespace rest {
namespace {

std::vector<std::int64_t> items(std::int64_t count) {
  std::vector<std::int64_t> items;
  for (std::int64_t i = 0; i < count; ++i) items.push_back(i * 3 + 1);
  return items;
}

/// What all ranks were handed, sorted.
std::vector<std::int64_t> of_all_ranks(const std::vector<std::int64_t>& own) {
  const std::vector<double> numbers(own.begin(), own.end());
  const auto all = all_gather(world(), Span<const double>(numbers));
  std::vector<std::int64_t> sorted;
  for (const double item : all) sorted.push_back(static_cast<std::int64_t>(item));
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

/// Takes items until there are none; each is `naps` milliseconds of work.
std::vector<std::int64_t> work(WorkQueue& queue, int naps) {
  std::vector<std::int64_t> own;
  while (const auto item = queue.next()) {
    own.push_back(*item);
    for (int i = 0; i < naps; ++i) {
      usleep(1000);
      queue.progress();
    }
  }
  return own;
}

TEST(MpiWorkQueue, HandsOutEveryItemOnceUnderUnevenWork) {
  for (int slow = 0; slow < world().size(); ++slow) {
    for (const std::int64_t count : {0, 1, 2, 3, 5, 60}) {
      std::vector<std::int64_t> own;
      {
        WorkQueue queue(world(), items(count));
        own = work(queue, world().rank() == slow ? 8 : 1);
        EXPECT_EQ(queue.next(), std::nullopt);
        EXPECT_EQ(queue.handed_out(), world().is_root() ? count : static_cast<std::int64_t>(own.size()));
      }
      EXPECT_TRUE(std::is_sorted(own.begin(), own.end()));
      EXPECT_EQ(of_all_ranks(own), items(count)) << count << " items, rank " << slow << " slow";
    }
  }
}

TEST(MpiWorkQueue, KeepsFastRanksBusyWhileOneIsSlow) {
  WorkQueue queue(world(), items(40));
  const auto own = work(queue, world().rank() == world().size() - 1 ? 50 : 1);
  if (world().size() > 1 && world().rank() == world().size() - 1) {
    EXPECT_LT(own.size(), 15u);
  }
}

TEST(MpiWorkQueue, ServesTheOthersFromItsEndWhenRankZeroTakesNothing) {
  if (world().size() == 1) GTEST_SKIP() << "needs another rank";
  std::vector<std::int64_t> own;
  {
    WorkQueue queue(world(), items(20));
    if (!world().is_root()) own = work(queue, 1);
  }
  EXPECT_EQ(of_all_ranks(own), items(20));
}

TEST(MpiWorkQueue, EndsWhenARankLeavesEarly) {
  for (int early = 0; early < world().size(); ++early) {
    WorkQueue queue(world(), items(20));
    if (world().rank() == early) {
      EXPECT_LE(queue.next().value_or(1), items(20).back());
    } else {
      work(queue, 1);
    }
  }
}

TEST(MpiWorkQueue, EndsUnused) {
  for (int i = 0; i < 20; ++i) WorkQueue(world(), items(i));
}

TEST(MpiWorkQueue, TellsRankZeroWhatAllRanksHaveDone) {
  WorkQueue::Counters last{};
  std::int64_t calls = 0, own = 0;
  {
    WorkQueue queue(world(), items(30), [&](const WorkQueue::Counters& totals) {
      EXPECT_TRUE(world().is_root());
      EXPECT_GE(totals[0], last[0]) << "what was done is not undone";
      last = totals;
      ++calls;
    });
    while (queue.next()) {
      ++own;
      usleep(2000);
      queue.progress({own, 10 * own});
    }
  }
  EXPECT_EQ(sum(world(), own), 30);
  if (world().is_root()) {
    EXPECT_EQ(last[0], 30);
    EXPECT_EQ(last[1], 300);
    EXPECT_GE(calls, 1);
  }
}

// One long item a rank: without reports between words rank 0 would hear nothing until its end.
TEST(MpiWorkQueue, HearsOfLongItemsOnceASecond) {
  std::int64_t most_before_the_end = 0;
  bool working = true;
  {
    WorkQueue queue(world(), items(world().size()), [&](const WorkQueue::Counters& totals) {
      if (working) most_before_the_end = totals[0];
    });
    WorkQueue::Counters done{};
    while (queue.next()) {
      for (int i = 0; i < 260; ++i) {
        usleep(10000);
        done[0] += world().is_root() ? 0 : 1;
        queue.progress(done);
      }
      working = false;
    }
  }
  if (world().is_root() && world().size() > 1) {
    EXPECT_GE(most_before_the_end, 50 * (world().size() - 1));
  }
}

TEST(MpiWorkQueue, StandsBesideAnother) {
  WorkQueue first(world(), items(10)), second(world(), items(10));
  std::vector<std::int64_t> own = work(first, 1);
  const auto more = work(second, 1);
  EXPECT_EQ(of_all_ranks(own), items(10));
  EXPECT_EQ(of_all_ranks(more), items(10));
}

}  // namespace
}  // namespace rest
