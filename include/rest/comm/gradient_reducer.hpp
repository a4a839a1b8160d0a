#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "rest/comm/communicator.hpp"
#include "rest/core/span.hpp"

namespace rest {

/// Contiguous leaves [first, last) of `leaves` that `rank` of `ranks` computes.
struct LeafRange {
  std::int64_t first, last;
};
LeafRange leaves_of_rank(std::int64_t leaves, int rank, int ranks);
/// Throws UsageError when a rank would have no leaf.
void require_leaves(const Communicator& communicator, std::int64_t leaves);

/// Sums the gradients of an update's leaves over a fixed binary tree of leaves, whichever rank owns which: the same
/// bytes at any number of ranks. The tree over leaves [0, n): split at the largest power of two below n.
/// One update: add() for each own leaf in order, then finish(). On GPUs (rest/comm/cuda.hpp) the spans are device
/// memory and the order over ranks is NCCL's: the same bytes at an equal number of ranks.
class GradientReducer {
 public:
  virtual ~GradientReducer() = default;
  /// Own leaves must be added in ascending order. `values` has `elements` entries and may be reused on return.
  virtual void add(std::int64_t leaf, Span<const float> values) = 0;
  /// The sum over all leaves, equal on all ranks. Collective. Valid until the next add().
  virtual Span<float> finish() = 0;
};

/// Over MPI on the CPU; serial for a serial communicator. Power-of-two rank counts that divide `leaves` (itself a power
/// of two): recursive halving and doubling; otherwise partial trees go to bucket owners, who finish the tree, then
/// all-gather. Collective, as is its end. Throws UsageError when leaves < ranks.
std::unique_ptr<GradientReducer> make_tree_reducer(const Communicator& communicator, std::int64_t leaves,
                                                   std::size_t elements);

/// The same tree over per-leaf scalars (loss sums, counts): `own` holds `width` values a leaf of this rank.
/// Returns `width` sums, equal on all ranks.
std::vector<double> reduce_leaf_scalars(const Communicator& communicator, std::int64_t leaves, std::size_t width,
                                        Span<const double> own);

}  // namespace rest
