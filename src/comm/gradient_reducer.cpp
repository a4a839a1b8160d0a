#include "rest/comm/gradient_reducer.hpp"

#include "leaf_tree.hpp"
#include "rest/core/error.hpp"
#include "tree_reducer.hpp"

namespace rest {
namespace {

double sum_scalars(TreeNode tree, std::size_t width, std::size_t column, const std::vector<double>& all) {
  if (tree.leaves == 1) return all[static_cast<std::size_t>(tree.first) * width + column];
  const std::int64_t left = left_leaves(tree.leaves);
  return sum_scalars({tree.first, left}, width, column, all) +
         sum_scalars({tree.first + left, tree.leaves - left}, width, column, all);
}

}  // namespace

void require_leaves(const Communicator& communicator, std::int64_t leaves) {
  if (leaves >= communicator.size()) return;
  throw UsageError(concat(leaves, " leaves cannot feed ", communicator.size(), " ranks"), "",
                   "raise train.leaves and improve.leaves to at least the number of ranks, or use fewer ranks");
}

std::unique_ptr<GradientReducer> make_tree_reducer(const Communicator& communicator, ReducerOptions options) {
  require_leaves(communicator, options.leaves);
  return std::make_unique<TreeReducer>(communicator, split_by_host(communicator), std::move(options));
}

std::vector<double> reduce_leaf_scalars(const Communicator& communicator, std::int64_t leaves, std::size_t width,
                                        Span<const double> own) {
  const auto all = all_gather(communicator, own);
  if (leaves < 1 || all.size() != static_cast<std::size_t>(leaves) * width) {
    throw Error(concat(all.size(), " figures of ", leaves, " leaves were given to the reduction"),
                concat("it expects ", width, " a leaf"));
  }
  std::vector<double> sums;
  for (std::size_t column = 0; column < width; ++column) sums.push_back(sum_scalars({0, leaves}, width, column, all));
  return sums;
}

}  // namespace rest
