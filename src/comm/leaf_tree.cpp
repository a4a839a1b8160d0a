#include "leaf_tree.hpp"

#include <algorithm>

#include "rest/core/error.hpp"
#include "vector_sum.hpp"

namespace rest {
namespace {

bool all_owned(TreeNode node, const std::function<bool(std::int64_t)>& owned) {
  for (std::int64_t leaf = node.first; leaf < node.first + node.leaves; ++leaf)
    if (!owned(leaf)) return false;
  return true;
}

/// Are these two the children of one node of `tree`?
bool are_siblings(TreeNode tree, TreeNode left, TreeNode right) {
  while (tree.leaves > 1) {
    const std::int64_t half = left_leaves(tree.leaves);
    const TreeNode low{tree.first, half}, high{tree.first + half, tree.leaves - half};
    if (left == low && right == high) return true;
    tree = right.first < high.first ? low : high;
  }
  return false;
}

}  // namespace

std::int64_t left_leaves(std::int64_t leaves) {
  std::int64_t power = 1;
  while (power * 2 < leaves) power *= 2;
  return power;
}

std::vector<TreeNode> nodes_within(TreeNode tree, const std::function<bool(std::int64_t)>& owned) {
  if (all_owned(tree, owned)) return {tree};
  if (tree.leaves == 1) return {};
  const std::int64_t left = left_leaves(tree.leaves);
  std::vector<TreeNode> nodes = nodes_within({tree.first, left}, owned);
  for (const TreeNode& node : nodes_within({tree.first + left, tree.leaves - left}, owned)) nodes.push_back(node);
  return nodes;
}

std::vector<LeafStep> plan_leaves(TreeNode tree, LeafRange own) {
  std::vector<LeafStep> steps;
  std::vector<TreeNode> partials;
  for (std::int64_t leaf = own.first; leaf < own.last; ++leaf) {
    LeafStep step{partials.size(), true, 0};
    partials.push_back({leaf, 1});
    while (partials.size() > 1 && are_siblings(tree, partials[partials.size() - 2], partials.back())) {
      partials[partials.size() - 2].leaves += partials.back().leaves;
      partials.pop_back();
      // The leaf itself needs no buffer to be joined.
      if (step.starts) {
        step = {step.partial - 1, false, 0};
      } else {
        ++step.joins;
      }
    }
    steps.push_back(step);
  }
  return steps;
}

const float* sum_up(TreeNode tree, const std::vector<PartialSum>& parts, std::size_t at, std::size_t count,
                    float* out) {
  const auto part = std::find_if(parts.begin(), parts.end(), [&](const PartialSum& p) { return p.node == tree; });
  if (part != parts.end()) return part->values + at;
  if (tree.leaves <= 1) throw Error(concat("the gradient of leaf ", tree.first, " is missing from the reduction"));
  const std::int64_t left = left_leaves(tree.leaves);
  float scratch[sum_block];
  const float* const low = sum_up({tree.first, left}, parts, at, count, out);
  const float* const high = sum_up({tree.first + left, tree.leaves - left}, parts, at, count, scratch);
  set_to_sum(out, low, high, count);
  return out;
}

}  // namespace rest
