#include "rest/comm/gradient_reducer.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "rest/core/error.hpp"
#include "support/reducer_cases.hpp"
#include "support/tree_oracle.hpp"

namespace rest {
namespace {

std::vector<float> reduce(GradientReducer& reducer, const ReducerOptions& options,
                          const std::vector<std::vector<float>>& leaves) {
  for (std::size_t leaf = 0; leaf < leaves.size(); ++leaf)
    add_leaf(reducer, options, static_cast<std::int64_t>(leaf), leaves[leaf]);
  const Span<const float> sum = reducer.finish().values;
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
    for (const std::size_t elements : {1, 7, 1000, 10000}) {
      const ReducerOptions options = reducer_options(leaves, elements, 300);
      const auto reducer = make_tree_reducer({}, options);
      for (std::uint32_t update = 0; update < 3; ++update) {
        auto values = random_leaves<float>(leaves, elements, update);
        clear_gaps(options, values);
        EXPECT_EQ(reduce(*reducer, options, values), tree_sum(values, 0, leaves)) << leaves << " leaves, " << elements;
      }
    }
  }
}

TEST(SerialTreeReducer, AddsBfloat16InFloat32) {
  const ReducerOptions options = reducer_options(4, 1000);
  auto values = random_leaves<float>(4, 1000, 2);
  const auto reducer = make_tree_reducer({}, options);
  for (std::size_t leaf = 0; leaf < 4; ++leaf) {
    std::vector<Bfloat16> cut;
    for (float& value : values[leaf]) {
      cut.push_back(bfloat16_of(value));
      value = cut_to_bfloat16(value);
    }
    reducer->add(static_cast<std::int64_t>(leaf), 0, Span<const Bfloat16>(cut));
    reducer->end_leaf(static_cast<std::int64_t>(leaf));
  }
  const Span<const float> sum = reducer->finish().values;
  EXPECT_EQ(std::vector<float>(sum.begin(), sum.end()), tree_sum(values, 0, 4));
}

TEST(SerialTreeReducer, AddsOnSeveralThreadsToTheSameBits) {
  ReducerOptions options = reducer_options(6, 100000, 30000);
  options.parallel_for = [](std::size_t count, const auto& work) {
    std::thread half([&] { work(count / 2, count); });
    work(0, count / 2);
    half.join();
  };
  auto values = random_leaves<float>(6, options.elements, 2);
  clear_gaps(options, values);
  EXPECT_EQ(reduce(*make_tree_reducer({}, options), options, values), tree_sum(values, 0, 6));
}

TEST(SerialTreeReducer, TellsTheTreeFromAddingInARow) {
  const auto values = random_leaves<float>(8, 1000, 1);
  std::vector<float> row = values[0];
  for (std::size_t leaf = 1; leaf < 8; ++leaf) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] += values[leaf][i];
  }
  EXPECT_NE(row, tree_sum(values, 0, 8)) << "the oracle could not see a wrong order";
}

TEST(SerialTreeReducer, RefusesWrongLeavesPartsAndSizes) {
  const ReducerOptions options = reducer_options(4, 9, 3);  // two parts of three
  const auto reducer = make_tree_reducer({}, options);
  const std::vector<float> values(3), shorter(2);
  EXPECT_THROW(reducer->add(1, 0, Span<const float>(values)), Error);
  EXPECT_THROW(reducer->add(0, 0, Span<const float>(shorter)), Error);
  EXPECT_THROW(reducer->add(0, 2, Span<const float>(values)), Error);
  EXPECT_THROW(reducer->end_leaf(1), Error);
  EXPECT_THROW(reducer->finish(), Error);
  reducer->add(0, 1, Span<const float>(values));
  EXPECT_THROW(reducer->add(0, 1, Span<const float>(values)), Error);
  for (std::int64_t leaf = 0; leaf < 4; ++leaf) reducer->end_leaf(leaf);
  EXPECT_THROW(reducer->end_leaf(4), Error);
  EXPECT_EQ(reducer->finish().values.size(), 9u);
}

TEST(SerialTreeReducer, RefusesNoLeaves) { EXPECT_THROW(make_tree_reducer({}, reducer_options(0, 3)), UsageError); }

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
