#include <ATen/ATen.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/library.h>

#include "dropout_mask.hpp"
#include "rest/core/error.hpp"
#include "stream.hpp"

namespace rest {
namespace {

/// rest::dropout_mask of src/model/dropout.cpp on a GPU: the same masks.
at::Tensor dropout_mask(const at::Tensor& ids, const at::Tensor& positions, std::int64_t seed, std::int64_t update,
                        std::int64_t site, std::int64_t features, std::int64_t cut, double scale) {
  const c10::cuda::CUDAGuard guard(ids.device());
  const Philox key(Purpose::dropout, static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(update),
                   static_cast<std::uint64_t>(site));
  const DropoutMask mask{static_cast<std::uint32_t>(cut), static_cast<float>(scale), features};
  at::Tensor out = at::empty({ids.size(0), features}, ids.options().dtype(at::kFloat));
  const cudaError_t status =
      fill_dropout_mask(mask, key, ids.data_ptr<std::int64_t>(), positions.data_ptr<std::int64_t>(), ids.size(0),
                        out.data_ptr<float>(), stream_of(ids));
  if (status != cudaSuccess) throw Error("the kernel that fills dropout masks failed", cudaGetErrorString(status));
  return out;
}

TORCH_LIBRARY_IMPL(rest, CUDA, library) { library.impl("dropout_mask", &dropout_mask); }

}  // namespace
}  // namespace rest
