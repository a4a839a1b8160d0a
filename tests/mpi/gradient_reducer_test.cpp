#include "rest/comm/gradient_reducer.hpp"

#include <gtest/gtest.h>

#include <set>

#include "comm/mpi_handle.hpp"
#include "comm/tree_reducer.hpp"
#include "rest/core/error.hpp"
#include "support/reducer_cases.hpp"
#include "support/tree_oracle.hpp"
#include "world.hpp"

namespace rest {
namespace {

LeafRange own_leaves(std::int64_t leaves) { return leaves_of_rank(leaves, world().rank(), world().size()); }

/// Ranks of one `color` are taken for those of a host.
Communicator host_of(int color) {
  if (!world().handle()) return {};
  MPI_Comm host = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(mpi_comm(world()), color, world().rank(), &host), "MPI_Comm_split");
  return Communicator(std::make_shared<const Communicator::Handle>(host, true, world().handle()->activity));
}

GradientSum reduce(GradientReducer& reducer, const ReducerOptions& options,
                   const std::vector<std::vector<float>>& values) {
  const LeafRange own = own_leaves(options.leaves);
  for (std::int64_t leaf = own.first; leaf < own.last; ++leaf)
    add_leaf(reducer, options, leaf, values[static_cast<std::size_t>(leaf)]);
  return reducer.finish();
}

void expect_tree_sum(GradientReducer& reducer, const ReducerOptions& options, std::uint32_t updates) {
  const auto leaves = static_cast<std::size_t>(options.leaves);
  for (std::uint32_t update = 0; update < updates; ++update) {
    auto values = random_leaves<float>(leaves, options.elements, update + 10);
    clear_gaps(options, values);
    const GradientSum sum = reduce(reducer, options, values);
    const auto expected = tree_sum(values, 0, leaves);
    EXPECT_TRUE(std::vector<float>(sum.values.begin(), sum.values.end()) == expected)
        << leaves << " leaves of " << options.elements << " elements, update " << update;
    EXPECT_EQ(sum.square_sum.value(), square_sum_by_definition(expected));
  }
}

void expect_tree_sum(const ReducerOptions& options, std::uint32_t updates) {
  expect_tree_sum(*make_tree_reducer(world(), options), options, updates);
}

TEST(MpiTreeReducer, GivesTheSerialTreesBitsAtThisRankCount) {
  for (const std::size_t leaves : {4, 5, 6, 7, 8, 12, 16}) {
    for (const std::size_t elements : {1, 2, 3, 5, 17, 1001}) expect_tree_sum(reducer_options(leaves, elements), 3);
  }
}

TEST(MpiTreeReducer, GivesTheSerialTreesBitsOverSeveralBuckets) {
  for (const std::size_t leaves : {4, 6}) expect_tree_sum(reducer_options(leaves, 11 * Buckets::size + 4321, 70001), 3);
}

TEST(MpiTreeReducer, GivesTheSameBitsWhateverRanksShareMemory) {
  for (const int hosts : {1, 2, 3, 4}) {
    const Communicator host = host_of(world().rank() % hosts);
    for (const std::size_t leaves : {4, 5, 7, 8}) {
      const ReducerOptions options = reducer_options(leaves, 13 * Buckets::size + 77, 50000);
      TreeReducer reducer(world(), host, options);
      expect_tree_sum(reducer, options, 2);
    }
  }
}

TEST(MpiTreeReducer, TakesAsManyLeavesAsRanks) {
  expect_tree_sum(reducer_options(static_cast<std::size_t>(world().size()), 33), 2);
}

TEST(MpiTreeReducer, GivesEachRankItsOwnBucketsAndGathersThem) {
  for (const int hosts : {1, 2, 4}) {
    ReducerOptions options = reducer_options(4, 9 * Buckets::size + 5000, 100000);
    options.result = ReducerOptions::Result::own_buckets;
    TreeReducer reducer(world(), host_of(world().rank() / 2 % hosts), options);
    auto values = random_leaves<float>(4, options.elements, 3);
    clear_gaps(options, values);
    const auto expected = tree_sum(values, 0, 4);
    for (int update = 0; update < 2; ++update) {
      const GradientSum sum = reduce(reducer, options, values);
      EXPECT_EQ(sum.square_sum.value(), square_sum_by_definition(expected));
      std::vector<float> gathered(options.elements, -1.0f);
      Buckets(options.elements, world().size()).for_each_of(world().rank(), [&](std::size_t first, std::size_t count) {
        std::copy_n(sum.values.data() + first, count, gathered.data() + first);
      });
      reducer.gather_buckets(gathered.data(), sizeof(float));
      EXPECT_TRUE(gathered == expected);
      std::vector<std::uint16_t> ranks(options.elements, static_cast<std::uint16_t>(world().rank()));
      reducer.gather_buckets(ranks.data(), sizeof(std::uint16_t));
      for (std::size_t i = 0; i < ranks.size(); ++i)
        ASSERT_EQ(ranks[i], i / Buckets::size % static_cast<std::size_t>(world().size()));
    }
  }
}

TEST(MpiTreeReducer, PartsThatWereNotAddedAreZero) {
  const ReducerOptions options = reducer_options(4, 3 * Buckets::size, 30000);
  auto values = random_leaves<float>(4, options.elements, 5);
  clear_gaps(options, values);
  values[3].assign(options.elements, 0.0f);
  const auto reducer = make_tree_reducer(world(), options);
  const LeafRange own = own_leaves(4);
  for (std::int64_t leaf = own.first; leaf < own.last; ++leaf) {
    if (leaf == 3) {
      reducer->end_leaf(leaf);
    } else {
      add_leaf(*reducer, options, leaf, values[static_cast<std::size_t>(leaf)]);
    }
  }
  const GradientSum sum = reducer->finish();
  EXPECT_TRUE(std::vector<float>(sum.values.begin(), sum.values.end()) == tree_sum(values, 0, 4));
}

TEST(MpiTreeReducer, ReusesItsBuffersFromUpdateToUpdate) {
  const ReducerOptions options = reducer_options(8, 100);
  const auto values = random_leaves<float>(8, 100, 3);
  const auto reducer = make_tree_reducer(world(), options);
  std::set<const float*> seen;
  for (int update = 0; update < 50; ++update) seen.insert(reduce(*reducer, options, values).values.data());
  EXPECT_EQ(seen.size(), 1u);
}

TEST(MpiTreeReducer, RefusesFewerLeavesThanRanks) {
  EXPECT_THROW(make_tree_reducer(world(), reducer_options(static_cast<std::size_t>(world().size() - 1), 10)),
               UsageError);
}

TEST(MpiLeafScalars, GiveTheSerialTreesBitsAtThisRankCount) {
  for (const std::size_t leaves : {1, 2, 4, 5, 6, 8}) {
    const auto values = random_leaves<double>(leaves, 3, 7);
    const LeafRange own = own_leaves(static_cast<std::int64_t>(leaves));
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
