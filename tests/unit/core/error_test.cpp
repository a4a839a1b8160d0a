#include "rest/core/error.hpp"

#include <gtest/gtest.h>

namespace rest {
namespace {

TEST(Error, ReadsProblemWhySuggestion) {
  EXPECT_STREQ(Error("x.h5 is damaged", "wrong size", "make it again").what(),
               "x.h5 is damaged (wrong size); make it again");
  EXPECT_STREQ(Error("x.h5 is damaged", "wrong size").what(), "x.h5 is damaged (wrong size)");
  EXPECT_STREQ(UsageError("no key", "", "see --help").what(), "no key; see --help");
}

TEST(Concat, JoinsPrintedForms) { EXPECT_EQ(concat("row ", 3, " of ", 2.5), "row 3 of 2.5"); }

}  // namespace
}  // namespace rest
