#include <ATen/ATen.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include "dropout_mask.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

/// rest::dropout_mask of src/model/dropout.cpp on a GPU: the same masks.
at::Tensor dropout_mask(const at::Tensor& examples, std::int64_t seed, std::int64_t update, std::int64_t site,
                        std::int64_t length, std::int64_t features, std::int64_t cut, double scale) {
  const c10::cuda::CUDAGuard guard(examples.device());
  const Philox key(Purpose::dropout, static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(update),
                   static_cast<std::uint64_t>(site));
  const DropoutMask mask{static_cast<std::uint32_t>(cut), static_cast<float>(scale), features};
  at::Tensor out = at::empty({examples.size(0), length, features}, examples.options().dtype(at::kFloat));
  const cudaError_t status =
      fill_dropout_mask(mask, key, examples.data_ptr<std::int64_t>(), examples.size(0), length, out.data_ptr<float>(),
                        c10::cuda::getCurrentCUDAStream(examples.device().index()).stream());
  if (status != cudaSuccess) throw Error("the kernel that fills dropout masks failed", cudaGetErrorString(status));
  return out;
}

TORCH_LIBRARY_IMPL(rest, CUDA, library) { library.impl("dropout_mask", &dropout_mask); }

}  // namespace
}  // namespace rest
