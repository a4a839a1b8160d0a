#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "rest/comm/communicator.hpp"
#include "rest/core/span.hpp"

namespace rest {

/// Contiguous leaves [first, last) of `leaves` that `rank` of `ranks` computes.
struct LeafRange {
  std::int64_t first, last;
};
inline LeafRange leaves_of_rank(std::int64_t leaves, int rank, int ranks) {
  return {leaves * rank / ranks, leaves * (rank + 1) / ranks};
}
/// Throws UsageError when a rank would have no leaf.
void require_leaves(const Communicator& communicator, std::int64_t leaves);

/// A bfloat16 as it lies in memory: the upper half of a float32.
struct Bfloat16 {
  std::uint16_t bits;
};

/// One parameter's gradient in the flat buffer, in elements.
struct GradientPart {
  std::size_t offset, size;
};

/// Runs `work` over pieces [first, last) that cover [0, count), on the threads of this rank.
using ParallelFor = std::function<void(std::size_t count, const std::function<void(std::size_t, std::size_t)>& work)>;

struct ReducerOptions {
  std::int64_t leaves = 1;
  std::size_t elements = 0;         ///< of the flat buffer
  std::vector<GradientPart> parts;  ///< ascending and disjoint; the gaps between them are zero
  enum class Result {
    everywhere,  ///< every rank gets the whole sum
    own_buckets  ///< a rank may only use the sum in its own buckets (rest/comm/buckets.hpp)
  } result = Result::everywhere;
  ParallelFor parallel_for = [](std::size_t count, const auto& work) { work(0, count); };
};

/// What an update's leaves add up to.
struct GradientSum {
  Span<const float> values;
  /// Of all values: added up in blocks of 4,096, then over the blocks, so that it is the same on all ranks and at any
  /// number of them. Nothing on GPUs.
  std::optional<double> square_sum = {};
  /// Share of this rank's part of the reduction that was done before finish(): hidden behind the backward pass.
  double hidden = 0.0;
};

/// Sums the gradients of an update's leaves over a fixed binary tree of leaves, whichever rank owns which: the same
/// bytes at any number of ranks. The tree over leaves [0, n): split at the largest power of two below n.
/// One update: for each own leaf in order add() for its parts, each as soon as the backward pass has it, and
/// end_leaf(); then finish(). What the last leaf completes is reduced within its add(): best from the end of the buffer
/// to its start. On GPUs (rest/comm/cuda.hpp) the spans are device memory and the order over ranks is NCCL's: the same
/// bytes at an equal number of ranks.
class GradientReducer {
 public:
  virtual ~GradientReducer() = default;
  /// The gradient of parts[part], which may be reused on return. At most once a leaf. Throws Error for a leaf out of
  /// order or a wrong size.
  virtual void add(std::int64_t leaf, std::size_t part, Span<const float> values) = 0;
  virtual void add(std::int64_t leaf, std::size_t part, Span<const Bfloat16> values) = 0;
  /// Parts that were not added are zero.
  virtual void end_leaf(std::int64_t leaf) = 0;
  /// Collective. Valid until the next add().
  virtual GradientSum finish() = 0;
  /// Every rank's own buckets of a flat buffer [elements] to all ranks. Collective. On the CPU it takes the place of
  /// the sum: only with Result::own_buckets, for elements of up to four bytes, and when the own buckets of it have been
  /// used.
  virtual void gather_buckets(void* values, std::size_t element_bytes) = 0;
};

/// Over MPI on the CPU; serial for a serial communicator. Ranks of one host add up what lies in memory that they share;
/// between hosts the partial sums of a bucket go to its owner, who finishes the tree. Collective, as is its end. Throws
/// UsageError when leaves < ranks.
std::unique_ptr<GradientReducer> make_tree_reducer(const Communicator& communicator, ReducerOptions options);

/// The same tree over per-leaf scalars (loss sums, counts): `own` holds `width` values a leaf of this rank.
/// Returns `width` sums, equal on all ranks.
std::vector<double> reduce_leaf_scalars(const Communicator& communicator, std::int64_t leaves, std::size_t width,
                                        Span<const double> own);

}  // namespace rest
