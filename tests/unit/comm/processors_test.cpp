#include "rest/comm/processors.hpp"

#include <gtest/gtest.h>

#include "rest/core/error.hpp"

namespace rest {
namespace {

RankProcessors rank_on(const std::string& host, std::vector<int> cores, int threads = 1) {
  return {host, std::move(cores), threads, "avx2"};
}

TEST(Processors, NothingIsSaidWhereEachThreadHasItsCore) {
  EXPECT_TRUE(processor_warnings({rank_on("a", {0}), rank_on("a", {1}), rank_on("b", {0})}).empty());
  EXPECT_TRUE(processor_warnings({rank_on("a", {0, 1, 2, 3}, 2), rank_on("a", {0, 1, 2, 3}, 2)}).empty());
}

TEST(Processors, TooManyRanksForAHostAreNamed) {
  const auto warnings = processor_warnings({rank_on("a", {0}), rank_on("b", {0, 1}), rank_on("b", {0, 1}, 2)});
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].find("2 ranks with 3 threads share 2 cores of host b"), 0u) << warnings[0];
}

TEST(Processors, ThreadsBoundToOneCoreAreNamed) {
  const auto warnings = processor_warnings({rank_on("a", {0}, 2), rank_on("a", {1}, 2)});
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0].find("the 2 threads of rank 0 on host a share 1 core "), 0u) << warnings[0];
  EXPECT_NE(warnings[0].find("slot:PE=2"), std::string::npos) << warnings[0];
}

TEST(Processors, WhereCoresAreNotKnownNothingIsSaid) {
  EXPECT_TRUE(processor_warnings({rank_on("a", {}, 64)}).empty());
}

TEST(Processors, OtherInstructionsAreRefusedByRankAndHost) {
  auto other = rank_on("b", {0});
  EXPECT_NO_THROW(require_equal_instruction_sets({rank_on("a", {0}), other}));
  other.instruction_set = "avx512";
  try {
    require_equal_instruction_sets({rank_on("a", {0}), rank_on("a", {1}), other});
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    for (const char* part : {"host a", "avx2", "rank 2", "host b", "avx512", "--allow-mixed-cpus"}) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << part << ": " << error.what();
    }
  }
}

TEST(Processors, OwnOnesAreSeen) {
  const auto all = gather_processors({}, own_processors(3, "AVX2"));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].threads, 3);
  EXPECT_FALSE(all[0].host.empty());
  EXPECT_FALSE(all[0].cores.empty());
  EXPECT_NE(all[0].instruction_set.find("AVX2"), std::string::npos);
}

}  // namespace
}  // namespace rest
