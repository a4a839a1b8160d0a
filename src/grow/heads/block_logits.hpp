#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "../products/matrix_rows.hpp"
#include "head_kernels.hpp"

namespace rest {

/// The projection of hidden states on a block of the vocabulary.
template <class Format>
class BlockLogits {
 public:
  using Real = typename Format::Real;
  using Output = typename Format::Output;
  /// Rows whose logits of a block are made at a time: a tile that stays in the cache.
  static constexpr std::int64_t tile_rows = 64;

  /// projection [vocabulary, hidden]; must outlive it.
  explicit BlockLogits(const PackedMatrix<Format>& projection)
      : projection_(projection), tile_(static_cast<std::size_t>(tile_rows * head_block)) {}

  std::int64_t size(std::int64_t block) const {
    return std::min(head_block, projection_.outputs() - block * head_block);
  }

  /// Calls take(row, logits) for each of `count` rows from `first`: logits [size(block)], valid during the call. One
  /// thread's work; call end_products() behind the last.
  template <class Take>
  void make(const MatrixRows<Format>& rows, std::int64_t first, std::int64_t count, std::int64_t block, Take take) {
    for (const std::int64_t last = first + count; first < last; first += tile_rows) {
      const std::int64_t together = std::min(tile_rows, last - first);
      multiply(rows, first, together, block);
      for (std::int64_t i = 0; i < together; ++i) {
        Real memory[head_block];
        take(first + i, finish(tile_.data() + i * head_block, rows.scale(first + i), block, memory));
      }
    }
  }

 private:
  void multiply(const MatrixRows<Format>& rows, std::int64_t first, std::int64_t count, std::int64_t block) {
    constexpr std::int64_t per_block = head_block / PackedMatrix<Format>::block;
    projection_.multiply(rows.row(first), rows.stride(), count, block * per_block,
                         std::min(per_block, projection_.blocks() - block * per_block), tile_.data(), head_block);
  }

  /// The logits that the sums of a product stand for, in `memory` where they are not what it gave.
  const Real* finish(const Output* sums, float row_scale, std::int64_t block, Real* memory) const {
    if constexpr (std::is_same_v<Real, Output>) {
      return sums;
    } else {
      static constexpr Real no_bias[head_block] = {};
      const std::int64_t first = block * head_block;
      load_row(sums, {no_bias, projection_.scales() + first, projection_.offsets() + first, row_scale}, size(block),
               memory);
      return memory;
    }
  }

  const PackedMatrix<Format>& projection_;
  std::vector<Output> tile_;  // [tile_rows, 128]
};

}  // namespace rest
