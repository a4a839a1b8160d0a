#pragma once

#include <ATen/core/Tensor.h>

namespace rest {

// Products by LibTorch's operators whose results are float32 where the factors are bfloat16, not rounded to it.

/// x [rows, in] times weights [out, in] -> [rows, out]
at::Tensor wide_product(const at::Tensor& x, const at::Tensor& weights);

/// sum [out, in] += y [rows, out] transposed times x [rows, in]
void add_wide_product(const at::Tensor& y, const at::Tensor& x, const at::Tensor& sum);

}  // namespace rest
