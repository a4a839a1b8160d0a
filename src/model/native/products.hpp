#pragma once

#include <torch/types.h>

#include "../products/packed_factor.hpp"
#include "rest/model/transformer.hpp"

namespace rest {

/// A weight in bfloat16 as products want it, made when first asked for after a change.
struct PackedWeight {
  PackedFactor forward;   // its transpose [in, out]
  PackedFactor backward;  // itself [out, in]
  torch::Tensor memory;   // of the cross-entropy, kept between uses: new pages would cost more than the work on them
};

enum class Activation { none, relu };

/// The products of a linear layer, float32 by LibTorch, bfloat16 by our own loops around oneDNN's kernels: added up in
/// float32 and rounded once. Rows as [rows, features].
/// x [rows, in] -> [rows, out]
torch::Tensor multiply(const torch::Tensor& x, const LinearWeights& weights, Activation activation);
/// gradient [rows, out] -> [rows, in], and 0 where `positive` [rows, in], if defined, is not above 0.
torch::Tensor multiply_back(const torch::Tensor& gradient, const LinearWeights& weights, const torch::Tensor& positive);
/// Adds the gradients of weight and bias, and says so.
void add_gradients(const torch::Tensor& gradient, const torch::Tensor& x, const LinearWeights& weights);

/// into [columns of a, columns of b] float32 += transpose of a [rows, ...] times b [rows, ...], both bfloat16; float32
/// takes at::addmm.
void add_product_over_rows(const torch::Tensor& a, const torch::Tensor& b, torch::Tensor into);

}  // namespace rest
