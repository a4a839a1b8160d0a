#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "matrix_product.hpp"

namespace rest {

/// The second factor [inner, columns] of products in bfloat16, laid out for matrix_product() in blocks of 64 columns.
class PackedFactor {
 public:
  static constexpr std::int64_t block = 64;
  static constexpr std::int64_t blocks_of(std::int64_t columns) { return (columns + block - 1) / block; }

  /// Takes in a factor given as [inner, columns], or as its transpose [columns, inner]; memory is kept between uses.
  /// Rows and columns that blocks have beyond it are 0.
  void pack(const at::Tensor& factor);
  void pack_transposed(const at::Tensor& factor);

  std::int64_t columns() const { return columns_; }
  std::int64_t blocks() const { return blocks_of(columns_); }
  bool empty() const { return !filled_; }
  void clear() { filled_ = false; }

  /// out [count, 64 columns of block b] of a [count, inner rows first ... first + inner], both even.
  void multiply(const at::BFloat16* a, std::int64_t a_stride, std::int64_t count, std::int64_t b, std::int64_t first,
                std::int64_t inner, float* out, std::int64_t out_stride, Into into = Into::fresh) const;

 private:
  void resize(std::int64_t inner, std::int64_t columns);

  std::int64_t inner_ = 0, columns_ = 0;  // inner_ padded
  bool filled_ = false;
  at::Tensor values_;  // [blocks, inner / 2, 64, 2]
};

/// Rows that products over rows are padded to: AMX takes 32 at a time.
constexpr std::int64_t padded_inner(std::int64_t rows) { return (rows + 31) / 32 * 32; }
/// Elements from column to column of a transpose of so many padded rows: a line more, so that columns do not meet in
/// the same places of the cache.
constexpr std::int64_t transposed_stride(std::int64_t padded) { return padded + 32; }

/// A matrix [rows, columns] with `stride` elements from row to row, as a product over its rows takes it as the second
/// factor: pairs [blocks of 64 columns][padded / 2, 64, 2], rows padded with 0, and what the last block has beyond the
/// columns left as it is.
void pair_rows(const at::BFloat16* matrix, std::int64_t stride, std::int64_t rows, std::int64_t columns,
               std::int64_t padded, at::BFloat16* pairs);
constexpr std::int64_t paired_elements(std::int64_t padded, std::int64_t columns) {
  return padded * PackedFactor::blocks_of(columns) * PackedFactor::block;
}
/// The same matrix as the first factor, transposed: out [columns, padded], with out_stride from column to column.
void transpose_rows(const at::BFloat16* matrix, std::int64_t stride, std::int64_t rows, std::int64_t columns,
                    std::int64_t padded, at::BFloat16* out, std::int64_t out_stride);

/// out [count, columns] += a [count, inner] with a_stride times pairs of [inner, columns].
void add_product_with_pairs(const at::BFloat16* a, std::int64_t a_stride, std::int64_t count, const at::BFloat16* pairs,
                            std::int64_t inner, std::int64_t columns, float* out);

}  // namespace rest
