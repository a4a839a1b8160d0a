#include "rest/comm/cuda.hpp"

#include <gtest/gtest.h>

#include "rest/core/error.hpp"

namespace rest {
namespace {

using Seen = std::vector<std::vector<std::string>>;

std::string refusal(const Seen& seen_by_rank, int rank) {
  try {
    gpu_of_rank(seen_by_rank, rank);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(GpuOfRank, RanksThatSeeTheSameGpusTakeOneEach) {
  const std::vector<std::string> host{"GPU-a", "GPU-b", "GPU-c"};
  EXPECT_EQ(gpu_of_rank({host}, 0), 0);
  for (int rank = 0; rank < 3; ++rank) EXPECT_EQ(gpu_of_rank({host, host, host}, rank), rank);
  EXPECT_EQ(gpu_of_rank({host, host}, 1), 1);
}

TEST(GpuOfRank, RanksWithGpusOfTheirOwnTakeTheirFirst) {
  const Seen bound{{"GPU-a"}, {"GPU-b"}, {"GPU-c", "GPU-d"}};
  for (int rank = 0; rank < 3; ++rank) EXPECT_EQ(gpu_of_rank(bound, rank), 0);
}

TEST(GpuOfRank, RefusesFewerGpusThanRanks) {
  const std::vector<std::string> host{"GPU-a", "GPU-b"};
  EXPECT_NE(refusal({host, host, host}, 0).find("3 ranks"), std::string::npos) << refusal({host, host, host}, 0);
  EXPECT_NE(refusal({host, host, host}, 0).find("they see 2"), std::string::npos);
  const Seen shared{{"GPU-a"}, {"GPU-b"}, {"GPU-b", "GPU-c"}};
  EXPECT_EQ(refusal(shared, 0), "accepted");
  EXPECT_NE(refusal(shared, 1).find("2 of them were given GPU-b"), std::string::npos) << refusal(shared, 1);
}

TEST(GpuOfRank, RefusesARankThatSeesNone) {
  EXPECT_NE(refusal({{}}, 0).find("sees no GPU"), std::string::npos);
  EXPECT_NE(refusal({{"GPU-a"}, {}}, 1).find("sees no GPU"), std::string::npos);
}

}  // namespace
}  // namespace rest
