#pragma once

#include <cstdint>
#include <vector>

#include "rest/comm/gradient_reducer.hpp"

namespace rest {

/// A node of the fixed tree over leaves [0, n), n > 1: split at the largest power of two below n, on both sides again.
struct TreeNode {
  std::int64_t first, leaves;
  bool operator==(const TreeNode& other) const { return first == other.first && leaves == other.leaves; }
};

/// Leaves under the left child of a node of `leaves` > 1 leaves.
std::int64_t left_leaves(std::int64_t leaves);

/// Are these two the children of one node of `tree`?
bool are_siblings(TreeNode tree, TreeNode left, TreeNode right);

/// The largest nodes of `tree` that lie within `own`, from left to right.
std::vector<TreeNode> nodes_within(TreeNode tree, LeafRange own);

/// The values of one node, or a slice of them.
struct PartialSum {
  TreeNode node;
  float* values;
};

/// sum[i] += values[i].
void add_to(float* sum, const float* values, std::size_t count);

/// Sums `parts`, which lie side by side and cover `tree`, up to its root: in place, into the first of them.
float* sum_up(TreeNode tree, const std::vector<PartialSum>& parts, std::size_t count);

}  // namespace rest
