#include "rest/comm/gradient_reducer.hpp"

#include <gtest/gtest.h>

#include "rest/core/error.hpp"
#include "support/tree_oracle.hpp"

namespace rest {
namespace {

std::vector<float> reduce(GradientReducer& reducer, const std::vector<std::vector<float>>& leaves) {
  for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf) reducer.add(static_cast<std::int64_t>(leaf), leaves[leaf]);
  const Span<float> sum = reducer.finish();
  return {sum.begin(), sum.end()};
}

TEST(LeavesOfRank, AreContiguousEvenAndComplete) {
  for (std::int64_t leaves = 1; leaves <= 17; ++leaves) {
    for (int ranks = 1; ranks <= 6; ++ranks) {
      std::int64_t next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const LeafRange own = leaves_of_rank(leaves, rank, ranks);
        EXPECT_EQ(own.first, next);
        EXPECT_GE(own.last - own.first, leaves / ranks);
        EXPECT_LE(own.last - own.first, (leaves + ranks - 1) / ranks);
        next = own.last;
      }
      EXPECT_EQ(next, leaves);
    }
  }
}

TEST(SerialTreeReducer, AddsByTheTreeToTheBit) {
  for (const std::size_t leaves : {1, 2, 3, 4, 5, 6, 7, 8, 13, 16}) {
    for (const std::size_t elements : {1, 7, 1000}) {
      const auto reducer = make_tree_reducer({}, static_cast<std::int64_t>(leaves), elements);
      for (std::uint32_t update = 0; update < 3; ++update) {
        const auto values = random_leaves<float>(leaves, elements, update);
        EXPECT_EQ(reduce(*reducer, values), tree_sum(values, 0, leaves)) << leaves << " leaves, " << elements;
      }
    }
  }
}

TEST(SerialTreeReducer, TellsTheTreeFromAddingInARow) {
  const auto values = random_leaves<float>(8, 1000, 1);
  std::vector<float> row = values[0];
  for (std::size_t leaf = 1; leaf < 8; ++leaf) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] += values[leaf][i];
  }
  EXPECT_NE(row, tree_sum(values, 0, 8)) << "the oracle could not see a wrong order";
}

TEST(SerialTreeReducer, RefusesWrongLeavesAndSizes) {
  const auto reducer = make_tree_reducer({}, 4, 3);
  const std::vector<float> values(3), shorter(2);
  EXPECT_THROW(reducer->add(1, values), Error);
  EXPECT_THROW(reducer->add(0, shorter), Error);
  EXPECT_THROW(reducer->finish(), Error);
  for (std::int64_t leaf = 0; leaf < 4; ++leaf) reducer->add(leaf, values);
  EXPECT_THROW(reducer->add(4, values), Error);
  EXPECT_EQ(reducer->finish().size(), 3u);
}

TEST(SerialTreeReducer, RefusesNoLeaves) { EXPECT_THROW(make_tree_reducer({}, 0, 3), UsageError); }

TEST(SerialLeafScalars, AddEachColumnByTheTree) {
  for (const std::size_t leaves : {1, 3, 4, 6}) {
    const auto values = random_leaves<double>(leaves, 2, 5);
    std::vector<double> flat;
    for (const auto& leaf : values) flat.insert(flat.end(), leaf.begin(), leaf.end());
    EXPECT_EQ(reduce_leaf_scalars({}, static_cast<std::int64_t>(leaves), 2, flat), tree_sum(values, 0, leaves));
  }
  EXPECT_THROW(reduce_leaf_scalars({}, 2, 2, std::vector<double>(3)), Error);
}

}  // namespace
}  // namespace rest
