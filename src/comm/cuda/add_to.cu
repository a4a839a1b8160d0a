#include <algorithm>

#include "add_to.hpp"

namespace rest {
namespace {

__device__ float to_float(float value) { return value; }
__device__ float to_float(Bfloat16 value) { return __uint_as_float(static_cast<unsigned>(value.bits) << 16); }

template <bool adding, class T>
__global__ void add_kernel(float* sum, const T* values, std::size_t count) {
  const std::size_t stride = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) {
    sum[i] = adding ? sum[i] + to_float(values[i]) : to_float(values[i]);
  }
}

template <bool adding, class T>
cudaError_t launch(float* sum, const T* values, std::size_t count, cudaStream_t stream) {
  constexpr std::size_t threads = 256, most_blocks = 4096;
  if (count == 0) return cudaSuccess;
  const auto grid = static_cast<unsigned>(std::min((count + threads - 1) / threads, most_blocks));
  add_kernel<adding><<<grid, static_cast<unsigned>(threads), 0, stream>>>(sum, values, count);
  return cudaGetLastError();
}

}  // namespace

cudaError_t add_to(float* sum, const float* values, std::size_t count, cudaStream_t stream) {
  return launch<true>(sum, values, count, stream);
}
cudaError_t add_to(float* sum, const Bfloat16* values, std::size_t count, cudaStream_t stream) {
  return launch<true>(sum, values, count, stream);
}
cudaError_t copy_to(float* target, const float* values, std::size_t count, cudaStream_t stream) {
  return launch<false>(target, values, count, stream);
}
cudaError_t copy_to(float* target, const Bfloat16* values, std::size_t count, cudaStream_t stream) {
  return launch<false>(target, values, count, stream);
}

}  // namespace rest
