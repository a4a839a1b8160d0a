#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "rest/comm/gradient_reducer.hpp"

namespace rest {

/// A node of the fixed tree over leaves [0, n): split at the largest power of two below n, on both sides again.
struct TreeNode {
  std::int64_t first, leaves;
  bool operator==(const TreeNode& other) const { return first == other.first && leaves == other.leaves; }
};

/// Leaves under the left child of a node of `leaves` > 1 leaves.
std::int64_t left_leaves(std::int64_t leaves);

/// The largest nodes of `tree` of which all leaves are owned, from left to right.
std::vector<TreeNode> nodes_within(TreeNode tree, const std::function<bool(std::int64_t leaf)>& owned);

/// What becomes of a leaf's gradient while a rank goes through its leaves: it starts partial sum `partial` or is added
/// to it; then, `joins` times, the last partial sum is added to the one before, which takes its place.
struct LeafStep {
  std::size_t partial;
  bool starts;
  std::size_t joins;
};
/// A step for each of the own leaves. They leave behind the partial sums of the largest nodes within `own`, from left
/// to right.
std::vector<LeafStep> plan_leaves(TreeNode tree, LeafRange own);

/// The values of one node, or a slice of them.
struct PartialSum {
  TreeNode node;
  float* values;
};

/// Adds elements [at, at + count), count <= sum_block, of `parts`, which lie side by side and cover `tree`, up to its
/// root. Returns where the sum is: `out` [count], or the one part that is the whole tree. `out` may be that slice of
/// the leftmost part.
const float* sum_up(TreeNode tree, const std::vector<PartialSum>& parts, std::size_t at, std::size_t count, float* out);

}  // namespace rest
