#include "rest/core/ragged.hpp"

#include <gtest/gtest.h>

namespace rest {
namespace {

TEST(Ragged, KeepsRowsOfAnyLength) {
  Ragged<Token> rows;
  EXPECT_EQ(rows.size(), 0u);
  const std::vector<std::vector<Token>> given = {{1, 2, 3}, {}, {4}};
  for (const auto& row : given) rows.push_back(row);
  ASSERT_EQ(rows.size(), 3u);
  for (std::size_t i = 0; i < given.size(); ++i) {
    EXPECT_EQ(rows.length(i), given[i].size());
    EXPECT_EQ(std::vector<Token>(rows[i].begin(), rows[i].end()), given[i]);
  }
  EXPECT_EQ(rows.offsets, (std::vector<std::uint64_t>{0, 3, 3, 4}));
}

}  // namespace
}  // namespace rest
