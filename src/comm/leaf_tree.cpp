#include "leaf_tree.hpp"

#include <algorithm>

#include "rest/core/error.hpp"

namespace rest {
namespace {

void collect_within(TreeNode tree, LeafRange own, std::vector<TreeNode>& nodes) {
  if (tree.first >= own.last || tree.first + tree.leaves <= own.first) return;
  if (own.first <= tree.first && tree.first + tree.leaves <= own.last) {
    nodes.push_back(tree);
    return;
  }
  const std::int64_t left = left_leaves(tree.leaves);
  collect_within({tree.first, left}, own, nodes);
  collect_within({tree.first + left, tree.leaves - left}, own, nodes);
}

}  // namespace

std::int64_t left_leaves(std::int64_t leaves) {
  std::int64_t power = 1;
  while (power * 2 < leaves) power *= 2;
  return power;
}

bool are_siblings(TreeNode tree, TreeNode left, TreeNode right) {
  while (tree.leaves > 1) {
    const std::int64_t half = left_leaves(tree.leaves);
    const TreeNode low{tree.first, half}, high{tree.first + half, tree.leaves - half};
    if (left == low && right == high) return true;
    tree = right.first < high.first ? low : high;
  }
  return false;
}

std::vector<TreeNode> nodes_within(TreeNode tree, LeafRange own) {
  std::vector<TreeNode> nodes;
  collect_within(tree, own, nodes);
  return nodes;
}

void add_to(float* __restrict sum, const float* __restrict values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sum[i] += values[i];
}

float* sum_up(TreeNode tree, const std::vector<PartialSum>& parts, std::size_t count) {
  const auto part = std::find_if(parts.begin(), parts.end(), [&](const PartialSum& p) { return p.node == tree; });
  if (part != parts.end()) return part->values;
  if (tree.leaves <= 1) throw Error(concat("the gradient of leaf ", tree.first, " is missing from the reduction"));
  const std::int64_t left = left_leaves(tree.leaves);
  float* const sum = sum_up({tree.first, left}, parts, count);
  add_to(sum, sum_up({tree.first + left, tree.leaves - left}, parts, count), count);
  return sum;
}

}  // namespace rest
