#include "rest/grow/part.hpp"

#include <gtest/gtest.h>

#include "rest/core/error.hpp"

namespace rest {
namespace {

TEST(GrowPart, ReadsIndexAndCount) {
  const GrowPart part = GrowPart::parse("2/8");
  EXPECT_EQ(part.index, 2);
  EXPECT_EQ(part.count, 8);
  EXPECT_EQ(GrowPart::parse("0/1").count, 1);
}

TEST(GrowPart, RefusesWhatIsNoPart) {
  for (const char* text : {"", "/", "1", "1/", "/4", "4/4", "-1/4", "0/0", "0/-2", "1/4/8", " 1/4", "1/4 ", "a/4",
                           "1/b", "1.5/4", "0x1/4", "1//4", "0/1000001", "0/99999999999999999999"}) {
    EXPECT_THROW(GrowPart::parse(text), UsageError) << '"' << text << '"';
  }
}

TEST(GrowPart, RangesCoverEachShardOnceAndDifferByOneAtMost) {
  for (const std::int64_t shards : {0, 1, 2, 3, 7, 15, 64, 1000}) {
    for (const std::int64_t count : {1, 2, 3, 5, 8, 16, 100}) {
      std::int64_t next = 0;
      for (std::int64_t index = 0; index < count; ++index) {
        const ShardRange range = GrowPart{index, count}.range(shards);
        EXPECT_EQ(range.first, next);
        EXPECT_GE(range.end - range.first, shards / count);
        EXPECT_LE(range.end - range.first, shards / count + 1);
        next = range.end;
      }
      EXPECT_EQ(next, shards) << count << " parts";
    }
  }
}

TEST(GrowPart, RangeIsTheOneThatOtherToolsAssume) {
  EXPECT_EQ((GrowPart{1, 3}.range(10).first), 3);
  EXPECT_EQ((GrowPart{1, 3}.range(10).end), 6);
  EXPECT_EQ((GrowPart{2, 3}.range(10).end), 10);
  const ShardRange large = GrowPart{999'999, 1'000'000}.range(1'000'000'000);
  EXPECT_EQ(large.first, 999'999'000);
  EXPECT_EQ(large.end, 1'000'000'000);
}

}  // namespace
}  // namespace rest
