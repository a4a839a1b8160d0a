#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace rest {

struct ProductShape {
  std::int64_t rows, columns, inner;
};
/// Elements from a row to the next; of the second factor, from a group of rows to the next over what a row of it holds.
struct ProductStrides {
  std::int64_t a, b, out;
};
enum class Into { fresh, sum };  ///< whether a product takes the place of what is there or is added to it

/// out [rows, columns] = a [rows, inner] b [inner, columns] by oneDNN's kernels, as LibTorch gives access to them. The
/// rows of b stand in groups that instructions take together, 2 of bfloat16, 4 of int8: [inner / group, columns,
/// group]. One thread's work; end_products() behind the last of a stretch. Throws where the processor has no such
/// kernel.
void matrix_product(const ProductShape& shape, const ProductStrides& strides, const float* a, const float* b,
                    float* out, Into into = Into::fresh);
void matrix_product(const ProductShape& shape, const ProductStrides& strides, const at::BFloat16* a,
                    const at::BFloat16* b, float* out, Into into = Into::fresh);
void matrix_product(const ProductShape& shape, const ProductStrides& strides, const std::uint8_t* a,
                    const std::int8_t* b, std::int32_t* out, Into into = Into::fresh);

/// Gives back what a thread's products hold of the processor.
void end_products();

}  // namespace rest
