#pragma once

#include <torch/types.h>

#include <cstdint>
#include <future>
#include <memory>
#include <vector>

#include "rest/model/sequences.hpp"
#include "rest/select/dataset.hpp"

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
  torch::Tensor ratings;       // [targets] float32
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

/// Cuts shuffled data into updates by a rule that does not know the rank count: each window sorted by length, updates
/// of neighbours in that order, the updates of a window shuffled. Each update is cut into leaves of about equal token
/// counts. The window behind the one in use is loaded by a thread of its
/// own: HDF5 is its to use while a plan lives.
class BatchPlan {
 public:
  /// `data` must outlive the plan.
  BatchPlan(const ShuffledData& data, std::uint64_t seed, const UpdateSize& size);

  /// The leaves [leaves][examples] of the update at the cursor, which moves on: positions in examples().
  std::vector<std::vector<std::size_t>> next(BatchCursor& cursor);
  /// What the last update's positions refer to; changed by next().
  const Dataset& examples() const { return *loaded_.examples; }

 private:
  struct Window {
    std::uint64_t epoch = ~std::uint64_t{0}, number = 0;
    std::unique_ptr<const Dataset> examples;
    std::vector<std::vector<std::size_t>> updates;
  };
  Window load(std::uint64_t epoch, std::uint64_t number) const;
  std::vector<std::vector<std::size_t>> cut(const Dataset& examples) const;
  void use(std::uint64_t epoch, std::uint64_t number);

  const ShuffledData& data_;
  std::uint64_t seed_;
  UpdateSize size_;
  Window loaded_;
  std::future<Window> next_;
};

}  // namespace rest
