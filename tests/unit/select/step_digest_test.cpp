#include "rest/select/step_digest.hpp"

#include <gtest/gtest.h>

#include "rest/core/committed.hpp"

namespace rest {
namespace {

/// What the lineage of every Improve step made so far holds: it may not change.
TEST(StepDigest, IsTheHashOfNamesAndDigestsLineByLine) {
  StepDigest digest;
  digest.add(0, "aa", "chrf", "bb");
  digest.add(12, "cc", "chrf", "dd");
  EXPECT_EQ(digest.hex(),
            sha256("shard-00000.h5 aa\nchrf/shard-00000.h5 bb\nshard-00012.h5 cc\nchrf/shard-00012.h5 dd\n"));
}

}  // namespace
}  // namespace rest
