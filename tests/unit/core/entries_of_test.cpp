#include "rest/core/entries_of.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/temporary_directory.hpp"

namespace rest {
namespace {

TEST(EntriesOf, AreSortedAndNothingWhereThereIsNoFolder) {
  const TemporaryDirectory dir;
  for (const char* name : {"c", "a", "b"}) std::ofstream(dir / name) << name;
  const std::vector<std::filesystem::path> expected = {dir / "a", dir / "b", dir / "c"};
  EXPECT_EQ(entries_of(dir.path()), expected);
  EXPECT_TRUE(entries_of(dir / "a").empty());
  EXPECT_TRUE(entries_of(dir / "nowhere").empty());
}

}  // namespace
}  // namespace rest
