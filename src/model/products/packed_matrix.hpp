#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "matrix_format.hpp"
#include "matrix_product.hpp"

namespace rest {

/// Features that a row of MatrixRows holds for `features` of them: whole groups of what instructions take together.
constexpr std::int64_t padded_features(std::int64_t features) { return (features + 3) / 4 * 4; }

/// A weight matrix [out, in] rounded to a format and laid out once, in blocks of 64 output features, for the products
/// that a decoder repeats for each piece (oneDNN's kernels, as LibTorch gives access to them).
template <class Format>
class PackedMatrix {
 public:
  using Real = typename Format::Real;
  using Input = typename Format::Input;
  using Output = typename Format::Output;
  static constexpr std::int64_t block = 64;

  /// weight [out, in] in any floating type. Throws UsageError when this processor cannot multiply the format.
  explicit PackedMatrix(const at::Tensor& weight);

  std::int64_t outputs() const { return outputs_; }
  std::int64_t blocks() const { return (outputs_ + block - 1) / block; }

  /// out [count, outputs of `blocks` blocks from `first_block`] of rows [count, in], both with strides in elements. The
  /// last block is written as a whole, whatever it holds beyond outputs(). One thread's work; call end_products()
  /// behind the last product of a stretch.
  void multiply(const Input* rows, std::int64_t row_stride, std::int64_t count, std::int64_t first_block,
                std::int64_t blocks, Output* out, std::int64_t out_stride) const;

  /// int8: what a sum is to be multiplied with and, before, what is to be taken from it, by output feature.
  const float* scales() const { return scales_.data(); }
  const std::int32_t* offsets() const { return offsets_.data(); }

 private:
  /// By LibTorch's product: float64, and what this processor has no kernel for.
  void multiply_plainly(const Input* rows, std::int64_t row_stride, std::int64_t count, std::int64_t first_block,
                        std::int64_t blocks, Output* out, std::int64_t out_stride) const;

  std::int64_t inputs_, outputs_;
  at::Tensor packed_;          // [blocks, padded inputs / group, 64, group]; [out, in] where LibTorch multiplies
  std::vector<float> scales_;  // [whole blocks]
  std::vector<std::int32_t> offsets_;  // [whole blocks]: 128 times the sum of weights
};

/// Whether matrix_product() serves bfloat16, int8 here.
bool multiplies_bfloat16();
bool multiplies_int8();

}  // namespace rest
