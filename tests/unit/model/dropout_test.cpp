#include "rest/model/dropout.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "rest/core/philox.hpp"
#include "rest/model/dropout_mask.hpp"

namespace rest {
namespace {

/// Sequences of one length.
Sequences rows_of(const std::vector<std::uint64_t>& ids, std::int64_t length) {
  return make_sequences(std::vector<std::int64_t>(ids.size(), length), ids);
}

TEST(DropoutTest, WithoutProbabilityNothingIsDropped) {
  Dropout none;
  EXPECT_EQ(none.next(rows_of({1, 2}, 3)).probability, 0.0);
}

TEST(DropoutTest, KeepsTheExpectedShareAndTheMean) {
  const auto mask = Dropout(0.3, 1, 1).next(rows_of({10, 11, 12, 13}, 50)).mask(128);
  const double kept = (mask != 0).to(torch::kFloat64).mean().item<double>();
  // 25,600 draws: five standard deviations are 0.0143.
  EXPECT_NEAR(kept, 0.7, 0.0143);
  EXPECT_NEAR(mask.max().item<float>(), 1.0f / 0.7f, 1e-4f);
}

TEST(DropoutTest, MasksFollowTheExampleNotTheBatch) {
  const auto alone = Dropout(0.5, 3, 9).next(rows_of({42}, 7)).mask(40);
  const auto together = Dropout(0.5, 3, 9).next(rows_of({7, 42, 8}, 7)).mask(40).view({3, 7, 40});
  EXPECT_TRUE(torch::equal(alone, together[1]));
  EXPECT_FALSE(torch::equal(together[0], together[1]));
}

TEST(DropoutTest, MasksFollowThePositionNotTheLength) {
  const auto shorter = Dropout(0.5, 3, 9).next(rows_of({42}, 4)).mask(16);
  EXPECT_TRUE(torch::equal(shorter, Dropout(0.5, 3, 9).next(rows_of({42}, 9)).mask(16).narrow(0, 0, 4)));
}

TEST(DropoutTest, SitesUpdatesAndSeedsDiffer) {
  const Sequences rows = rows_of({0}, 4);
  Dropout dropout(0.5, 1, 1), later(0.5, 1, 2), other(0.5, 2, 1);
  const auto first = dropout.next(rows).mask(64), second = dropout.next(rows).mask(64);
  EXPECT_FALSE(torch::equal(first, second));
  EXPECT_FALSE(torch::equal(first, later.next(rows).mask(64)));
  EXPECT_FALSE(torch::equal(first, other.next(rows).mask(64)));
}

TEST(DropoutTest, DrawsWhatThePhiloxOfCoreDraws) {
  const auto mask = Dropout(0.25, 5, 6).next(rows_of({77}, 2)).mask(128);
  const Philox key(Purpose::dropout, 5, 6, 0);
  for (std::int64_t feature = 0; feature < 128; ++feature) {
    const auto block = key(77, 0, 1, static_cast<std::uint32_t>(feature % 16));
    const auto half = feature / 16;
    const std::uint32_t uniform = (block[static_cast<std::size_t>(half / 2)] >> (half % 2 ? 16 : 0)) & 0xFFFFu;
    EXPECT_EQ(mask[1][feature].item<float>() != 0.0f, uniform >= 16384u) << feature;
  }
}

/// What the kernel for GPUs computes, block by block, against the vectorised rows of the CPU.
TEST(DropoutTest, BlockByBlockItIsTheSameMask) {
  for (const std::int64_t features : {1, 16, 100, 128, 129, 512}) {
    const std::uint64_t example = (std::uint64_t{5} << 32) + 77;
    const auto expected = Dropout(0.25, 5, 6).next(rows_of({3, example}, 3)).mask(features).view({2, 3, features});
    const Philox key(Purpose::dropout, 5, 6, 0);
    const DropoutMask mask{16384, 65536.0f / 49152.0f, features};
    torch::Tensor row = torch::full({features}, -1.0f);
    for (std::int64_t block = 0; block < mask.blocks(); ++block) {
      mask.fill_block(key, example, 2, block, row.data_ptr<float>());
    }
    EXPECT_TRUE(torch::equal(row, expected[1][2])) << features << " features";
  }
}

}  // namespace
}  // namespace rest
