#include <ATen/ATen.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_bf16.h>
#include <torch/library.h>

#include "../../model/cuda/kernel_check.hpp"
#include "../../model/cuda/stream.hpp"
#include "training.hpp"

namespace rest {
namespace {

using OptionalTensor = std::optional<at::Tensor>;

template <class Real, class Gradient>
void cross_entropy(const at::Tensor& logits, const at::Tensor& target, const at::Tensor& weight, double smoothing,
                   const at::Tensor& gradient, const at::Tensor& sums) {
  const CrossEntropyRows<Real, Gradient> all{logits.size(0),
                                             logits.size(1),
                                             logits.data_ptr<Real>(),
                                             target.data_ptr<std::int64_t>(),
                                             weight.data_ptr<float>(),
                                             smoothing,
                                             static_cast<Gradient*>(gradient.data_ptr()),
                                             sums.data_ptr<double>()};
  check_kernel(cross_entropy_rows(all, stream_of(logits)), "rest::cross_entropy_rows");
}

/// rest::cross_entropy_rows of src/train/training_operators.hpp on a GPU.
void cross_entropy_rows_on_gpu(const at::Tensor& logits, const at::Tensor& target, const at::Tensor& weight,
                               double smoothing, const at::Tensor& gradient, const at::Tensor& sums) {
  const c10::cuda::CUDAGuard guard(logits.device());
  if (!logits.is_contiguous() || !gradient.is_contiguous() || !sums.is_contiguous()) {
    throw Error("rest::cross_entropy_rows wants contiguous tensors");
  }
  if (logits.scalar_type() == at::kDouble) {
    cross_entropy<double, double>(logits, target, weight, smoothing, gradient, sums);
  } else if (gradient.scalar_type() == at::kBFloat16) {
    cross_entropy<float, __nv_bfloat16>(logits, target, weight, smoothing, gradient, sums);
  } else {
    cross_entropy<float, float>(logits, target, weight, smoothing, gradient, sums);
  }
}

template <class Compute>
void step_elements(const AdamStep& step, const at::Tensor& gradient, const at::Tensor& parameters,
                   const at::Tensor& first, const at::Tensor& second, const OptionalTensor& average,
                   const OptionalTensor& compute) {
  const AdamElements<Compute> all{step,
                                  parameters.numel(),
                                  gradient.data_ptr<float>(),
                                  parameters.data_ptr<float>(),
                                  first.data_ptr<float>(),
                                  second.data_ptr<float>(),
                                  average ? average->data_ptr<float>() : nullptr,
                                  compute ? static_cast<Compute*>(compute->data_ptr()) : nullptr};
  check_kernel(adam_step(all, stream_of(parameters)), "rest::adam_step");
}

/// rest::adam_step on a GPU.
void adam_step_on_gpu(at::ArrayRef<double> members, const at::Tensor& gradient, const at::Tensor& parameters,
                      const at::Tensor& first, const at::Tensor& second, const OptionalTensor& average,
                      const OptionalTensor& compute) {
  const c10::cuda::CUDAGuard guard(parameters.device());
  const auto member = [&](std::size_t i) { return static_cast<float>(members[i]); };
  const AdamStep step{member(0), member(1), member(2), member(3), member(4), member(5), member(6)};
  if (compute && compute->scalar_type() == at::kBFloat16) {
    step_elements<__nv_bfloat16>(step, gradient, parameters, first, second, average, compute);
  } else {
    step_elements<float>(step, gradient, parameters, first, second, average, compute);
  }
}

TORCH_LIBRARY_IMPL(rest, CUDA, library) {
  library.impl("cross_entropy_rows", &cross_entropy_rows_on_gpu);
  library.impl("adam_step", &adam_step_on_gpu);
}

}  // namespace
}  // namespace rest
