#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "rest/model/sequences.hpp"
#include "rest/select/permutation.hpp"
#include "rest/select/view.hpp"

namespace rest {

/// Examples one behind the other, without padding. The end piece is appended to sources and targets; targets are read
/// shifted by one, starting with the begin piece. Neighbours of one source share its encoder pass, and the dropout in
/// it.
struct Batch {
  torch::Tensor source;  // [source rows] int64
  Sequences sources;
  torch::Tensor target_in;  // [target rows] int64
  Sequences targets;
  Readers readers;
  torch::Tensor target_out;    // [target rows] int64: the piece to predict there
  torch::Tensor token_weight;  // [target rows] float32
  double weight = 0.0;         ///< sum of token_weight: the count that losses are divided by

  Batch to(torch::Device device) const;
};
Batch make_batch(const Dataset& dataset, Span<const std::size_t> examples);

/// Where training stands in its data.
struct BatchCursor {
  std::uint64_t epoch = 0, window = 0, next = 0;
};

struct UpdateSize {
  std::int64_t tokens = 4096;  ///< target tokens, at most
  std::int64_t leaves = 4;
  std::int64_t together = 1;  ///< candidates of one source that a window has are put together by so many
};

/// Cuts a dataset into updates by a rule that does not know the rank count: a keyed shuffle of the epoch, windows of it
/// sorted by length, updates of neighbours in that order, the updates of a window shuffled. Each update is cut into
/// leaves of about equal token counts.
class BatchPlan {
 public:
  BatchPlan(const Dataset& dataset, std::uint64_t seed, const UpdateSize& size);

  /// The leaves [leaves][examples] of the update at the cursor, which moves on.
  std::vector<std::vector<std::size_t>> next(BatchCursor& cursor);

 private:
  void load_window(std::uint64_t epoch, std::uint64_t window);
  std::vector<std::vector<std::size_t>> cut(std::uint64_t first, std::uint64_t last, const Permutation& shuffle) const;

  static constexpr std::uint64_t window_examples = 65536;
  const Dataset& dataset_;
  std::uint64_t seed_;
  UpdateSize size_;
  std::uint64_t windows_;  // per epoch
  BatchCursor loaded_{~0ull, 0, 0};
  std::vector<std::vector<std::size_t>> updates_;
};

}  // namespace rest
