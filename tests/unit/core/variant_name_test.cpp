#include "rest/core/variant_name.hpp"

#include <gtest/gtest.h>

#include "rest/core/error.hpp"

namespace rest {
namespace {

TEST(VariantName, MayBeWhatAFolderIsCalled) {
  for (const char* name : {"bc", "top4", "a.b_c-D", "0"}) EXPECT_NO_THROW(require_name("variant", name)) << name;
}

TEST(VariantName, LeadsNowhereElse) {
  for (const char* name : {"", "a/b", "../x", "..", ".hidden", "-x", "a b", "\xc3\xa4"}) {
    EXPECT_THROW(require_name("variant", name), UsageError) << name;
  }
}

}  // namespace
}  // namespace rest
