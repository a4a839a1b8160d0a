#include "grow/heads/leading_tokens.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "grow/heads/head_kernels.hpp"

namespace rest {
namespace {

// Some logits are equal. The last block is not whole.
TEST(LeadingTokens, HoldTheBestOfEachRowThatSortingGives) {
  constexpr std::int64_t rows = 3, vocabulary = 1000;
  std::mt19937 random(1);
  for (const std::int64_t count : {1, 16, 64, 256}) {
    for (const int values : {2, 50, 1000000}) {
      std::vector<std::vector<float>> logits(rows, std::vector<float>(vocabulary));
      for (auto& row : logits) {
        for (float& logit : row) logit = static_cast<float>(std::uniform_int_distribution<>(0, values)(random));
      }
      LeadingTokens<float> leading(rows, count);
      for (std::int64_t first = 0; first < vocabulary; first += head_block) {
        const std::int64_t size = std::min(head_block, vocabulary - first);
        for (std::int64_t row = 0; row < rows; ++row) {
          const float* const block = logits[static_cast<std::size_t>(row)].data() + first;
          leading.see(row, first, block, size, *std::max_element(block, block + size));
        }
      }
      for (std::int64_t row = 0; row < rows; ++row) {
        std::vector<RankedToken<float>> expected, found;
        for (std::int32_t token = 0; token < vocabulary; ++token) {
          expected.push_back({logits[static_cast<std::size_t>(row)][static_cast<std::size_t>(token)], token, 0});
        }
        std::sort(expected.begin(), expected.end(), RanksBefore());
        leading.append(row, found);
        std::sort(found.begin(), found.end(), RanksBefore());
        ASSERT_GE(found.size(), static_cast<std::size_t>(count));
        for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) EXPECT_EQ(found[i].token, expected[i].token);
      }
    }
  }
}

}  // namespace
}  // namespace rest
