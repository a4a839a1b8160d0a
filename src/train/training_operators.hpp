#pragma once

#include <ATen/core/Tensor.h>

/// The trainer's operators, for any device: LibTorch's dispatcher picks the implementation by where the tensors are.
/// Those for CUDA are in src/train/cuda.
namespace rest {

/// rest::cross_entropy_rows. logits [tokens, pieces] float32 or float64, target [tokens] int64, weight [tokens]
/// float32: sets gradient [tokens, pieces], which may be bfloat16, to that of each token's weighted label-smoothed
/// cross-entropy, and sums [tokens, 2] float64 to it and to the weighted negative log-likelihood.
void cross_entropy_rows(const at::Tensor& logits, const at::Tensor& target, const at::Tensor& weight, double smoothing,
                        const at::Tensor& gradient, const at::Tensor& sums);

/// An update of Adam; see Adam::update().
struct AdamStep {
  float gradient_scale, beta1, beta2, rate, root_correction, epsilon, average_decay;
};

/// What an update changes, [elements] float32 each; the average may be undefined. And the copy that is computed with,
/// float32 or bfloat16, or undefined.
struct AdamBuffers {
  at::Tensor parameters, first, second, average, compute;
};

/// rest::adam_step. gradient [elements] float32; compute [elements], if any.
void adam_step(const AdamStep& step, const at::Tensor& gradient, const AdamBuffers& buffers);

}  // namespace rest
