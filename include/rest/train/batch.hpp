#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "rest/model/sequences.hpp"
#include "rest/select/view.hpp"

namespace rest {

/// Examples one behind the other, without padding. The end piece is appended to sources and targets; targets are read
/// shifted by one, starting with the begin piece.
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

/// Cuts a dataset into updates by a rule that does not know the rank count: a keyed shuffle of the epoch, windows of it
/// sorted by length, updates of at most `tokens_per_update` target tokens from neighbours in that order, the updates of
/// a window shuffled. Each update is cut into leaves of about equal token counts.
class BatchPlan {
 public:
  BatchPlan(const Dataset& dataset, std::uint64_t seed, std::int64_t tokens_per_update, std::int64_t leaves);

  /// The leaves [leaves][examples] of the update at the cursor, which moves on.
  std::vector<std::vector<std::size_t>> next(BatchCursor& cursor);

 private:
  void load_window(std::uint64_t epoch, std::uint64_t window);

  static constexpr std::uint64_t window_examples = 65536;
  const Dataset& dataset_;
  std::uint64_t seed_;
  std::int64_t tokens_per_update_, leaves_;
  std::uint64_t windows_;  // per epoch
  BatchCursor loaded_{~0ull, 0, 0};
  std::vector<std::vector<std::size_t>> updates_;
};

}  // namespace rest
