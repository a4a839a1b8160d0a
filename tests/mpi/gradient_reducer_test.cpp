#include "rest/comm/gradient_reducer.hpp"

#include <gtest/gtest.h>

#include <set>

#include "rest/core/error.hpp"
#include "support/tree_oracle.hpp"
#include "world.hpp"

namespace rest {
namespace {

Span<float> reduce(GradientReducer& reducer, const std::vector<std::vector<float>>& values) {
  const LeafRange own = leaves_of_rank(static_cast<std::int64_t>(values.size()), world().rank(), world().size());
  for (std::int64_t leaf = own.first; leaf < own.last; ++leaf)
    reducer.add(leaf, values[static_cast<std::size_t>(leaf)]);
  return reducer.finish();
}

void expect_tree_sum(std::size_t leaves, std::size_t elements, std::uint32_t updates) {
  const auto reducer = make_tree_reducer(world(), static_cast<std::int64_t>(leaves), elements);
  for (std::uint32_t update = 0; update < updates; ++update) {
    const auto values = random_leaves<float>(leaves, elements, update + 10);
    const Span<float> sum = reduce(*reducer, values);
    EXPECT_TRUE(std::vector<float>(sum.begin(), sum.end()) == tree_sum(values, 0, leaves))
        << leaves << " leaves of " << elements << " elements, update " << update;
  }
}

TEST(MpiTreeReducer, GivesTheSerialTreesBitsAtThisRankCount) {
  for (const std::size_t leaves : {4, 5, 6, 7, 8, 12, 16}) {
    for (const std::size_t elements : {1, 2, 3, 5, 17, 1001}) expect_tree_sum(leaves, elements, 3);
  }
}

TEST(MpiTreeReducer, GivesTheSerialTreesBitsOverSeveralMessages) {
  for (const std::size_t leaves : {4, 6}) expect_tree_sum(leaves, (std::size_t{1} << 22) + 4321, 1);
}

TEST(MpiTreeReducer, TakesAsManyLeavesAsRanks) { expect_tree_sum(static_cast<std::size_t>(world().size()), 33, 2); }

TEST(MpiTreeReducer, ReusesItsBuffersFromUpdateToUpdate) {
  const auto values = random_leaves<float>(8, 100, 3);
  const auto reducer = make_tree_reducer(world(), 8, 100);
  std::set<const float*> seen;
  for (int update = 0; update < 50; ++update) seen.insert(reduce(*reducer, values).data());
  EXPECT_LE(seen.size(), 5u);
}

TEST(MpiTreeReducer, RefusesFewerLeavesThanRanks) {
  EXPECT_THROW(make_tree_reducer(world(), world().size() - 1, 10), UsageError);
}

TEST(MpiLeafScalars, GiveTheSerialTreesBitsAtThisRankCount) {
  for (const std::size_t leaves : {1, 2, 4, 5, 6, 8}) {
    const auto values = random_leaves<double>(leaves, 3, 7);
    const LeafRange own = leaves_of_rank(static_cast<std::int64_t>(leaves), world().rank(), world().size());
    std::vector<double> flat;
    for (std::int64_t leaf = own.first; leaf < own.last; ++leaf) {
      const auto& of_leaf = values[static_cast<std::size_t>(leaf)];
      flat.insert(flat.end(), of_leaf.begin(), of_leaf.end());
    }
    EXPECT_EQ(reduce_leaf_scalars(world(), static_cast<std::int64_t>(leaves), 3, flat), tree_sum(values, 0, leaves));
  }
}

}  // namespace
}  // namespace rest
