#pragma once

#include <torch/types.h>

#include "rest/comm/buckets.hpp"

namespace rest {

/// The elements of a flat buffer that one rank's optimizer keeps, its buckets end to end; or all of them.
class Shard {
 public:
  explicit Shard(std::int64_t elements) : Shard(elements, 0, 1) {}
  Shard(std::int64_t elements, int rank, int ranks)
      : buckets_(static_cast<std::size_t>(elements), ranks), rank_(rank), ranks_(ranks) {}

  bool is_whole() const { return ranks_ == 1; }
  std::int64_t elements() const { return static_cast<std::int64_t>(buckets_.elements_of(rank_)); }
  /// Where its element `own` is in the whole buffer.
  std::int64_t place(std::int64_t own) const {
    constexpr auto size = static_cast<std::int64_t>(Buckets::size);
    return (own / size * ranks_ + rank_) * size + own % size;
  }
  /// Its elements of `whole` [all elements] -> [elements()]; a whole shard shares the memory.
  torch::Tensor of(const torch::Tensor& whole) const;
  /// The reverse: `own` [elements()] to its places in `whole`, converted to its type.
  void put(const torch::Tensor& own, const torch::Tensor& whole) const;

 private:
  Buckets buckets_;
  int rank_, ranks_;
};

}  // namespace rest
