#include "rest/model/dropout.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "rest/core/philox.hpp"
#include "rest/model/dropout_mask.hpp"

namespace rest {
namespace {

TEST(DropoutTest, WithoutProbabilityItIsTheIdentity) {
  Dropout none;
  const auto x = torch::randn({2, 3, 5});
  EXPECT_TRUE(torch::equal(none(x), x));
}

TEST(DropoutTest, KeepsTheExpectedShareAndTheMean) {
  Dropout dropout(0.3, 1, 1, {10, 11, 12, 13});
  const auto y = dropout(torch::ones({4, 50, 128}));
  const double kept = (y != 0).to(torch::kFloat64).mean().item<double>();
  // 25,600 draws: five standard deviations are 0.0143.
  EXPECT_NEAR(kept, 0.7, 0.0143);
  EXPECT_NEAR(y.max().item<float>(), 1.0f / 0.7f, 1e-4f);
}

TEST(DropoutTest, MasksFollowTheExampleNotTheBatch) {
  const auto x = torch::ones({1, 7, 40});
  Dropout alone(0.5, 3, 9, {42});
  Dropout together(0.5, 3, 9, {7, 42, 8});
  const auto first = alone(x), second = together(x.expand({3, 7, 40}));
  EXPECT_TRUE(torch::equal(first[0], second[1]));
  EXPECT_FALSE(torch::equal(second[0], second[1]));
}

TEST(DropoutTest, MasksFollowThePositionNotThePadding) {
  Dropout narrow(0.5, 3, 9, {42}), wide(0.5, 3, 9, {42});
  EXPECT_TRUE(torch::equal(narrow(torch::ones({1, 4, 16})), wide(torch::ones({1, 9, 16})).narrow(1, 0, 4)));
}

TEST(DropoutTest, SitesUpdatesAndSeedsDiffer) {
  const auto x = torch::ones({1, 4, 64});
  Dropout dropout(0.5, 1, 1, {0}), later(0.5, 1, 2, {0}), other(0.5, 2, 1, {0});
  const auto first = dropout(x), second = dropout(x);
  EXPECT_FALSE(torch::equal(first, second));
  EXPECT_FALSE(torch::equal(first, later(x)));
  EXPECT_FALSE(torch::equal(first, other(x)));
}

TEST(DropoutTest, DrawsWhatThePhiloxOfCoreDraws) {
  Dropout dropout(0.25, 5, 6, {77});
  const auto y = dropout(torch::ones({1, 2, 128}));
  const Philox key(Purpose::dropout, 5, 6, 0);
  for (std::int64_t feature = 0; feature < 128; ++feature) {
    const auto block = key(77, 0, 1, static_cast<std::uint32_t>(feature % 16));
    const auto half = feature / 16;
    const std::uint32_t uniform = (block[static_cast<std::size_t>(half / 2)] >> (half % 2 ? 16 : 0)) & 0xFFFFu;
    EXPECT_EQ(y[0][1][feature].item<float>() != 0.0f, uniform >= 16384u) << feature;
  }
}

/// What the kernel for GPUs computes, block by block, against the vectorised rows of the CPU.
TEST(DropoutTest, BlockByBlockItIsTheSameMask) {
  for (const std::int64_t features : {1, 16, 100, 128, 129, 512}) {
    const std::uint64_t example = (std::uint64_t{5} << 32) + 77;
    Dropout dropout(0.25, 5, 6, {3, example});
    const auto expected = dropout(torch::ones({2, 3, features}));
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
