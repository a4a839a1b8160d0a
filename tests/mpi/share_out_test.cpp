#include "rest/comm/share_out.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"
#include "world.hpp"

namespace rest {
namespace {

/// Any bytes, of any length: also none, and zeros.
std::string result_of(std::int64_t item) {
  return std::string(static_cast<std::size_t>(item % 5) * 100, static_cast<char>(item));
}

TEST(MpiShareOut, GivesEveryRankAllResultsInOrder) {
  for (const std::int64_t count : {0, 1, 2, 7, 40}) {
    std::int64_t last = 0;
    const auto results = share_out(
        world(), count,
        [](std::int64_t item, const Tick& tick) {
          if (item % 3 == 0) usleep(2000);
          tick();
          return result_of(item);
        },
        [&](std::int64_t done) {
          EXPECT_GE(done, last);
          last = done;
        });
    ASSERT_EQ(results.size(), static_cast<std::size_t>(count));
    for (std::int64_t item = 0; item < count; ++item)
      EXPECT_EQ(results[static_cast<std::size_t>(item)], result_of(item));
    EXPECT_EQ(last, world().is_root() ? count : 0) << "rank 0 alone hears of all ranks' work, to its end";
  }
}

// Stopped stands for a signal here: a real one cannot be taken back.
TEST(MpiShareOut, StopsOnAllRanksWhenOneStops) {
  for (int rank = 0; rank < world().size(); ++rank) {
    const auto work = [&](std::int64_t, const Tick& tick) -> std::string {
      if (world().rank() == rank) throw Stopped();
      for (int i = 0; i < 10; ++i) {
        usleep(500);
        tick();
      }
      return "done";
    };
    EXPECT_THROW(share_out(world(), 100, work), Stopped) << "rank " << rank << " stops";
  }
}

}  // namespace
}  // namespace rest
