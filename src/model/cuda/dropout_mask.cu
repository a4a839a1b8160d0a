#include "dropout_mask.hpp"

namespace rest {
namespace {

/// One thread a Philox block.
__global__ void mask_kernel(DropoutMask mask, Philox key, const std::int64_t* ids, const std::int64_t* positions,
                            std::int64_t all_blocks, float* out) {
  const std::int64_t index = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= all_blocks) return;
  const std::int64_t row = index / mask.blocks(), block = index % mask.blocks();
  mask.fill_block(key, static_cast<std::uint64_t>(ids[row]), static_cast<std::uint32_t>(positions[row]), block,
                  out + row * mask.features);
}

}  // namespace

cudaError_t fill_dropout_mask(DropoutMask mask, Philox key, const std::int64_t* ids, const std::int64_t* positions,
                              std::int64_t rows, float* out, cudaStream_t stream) {
  constexpr std::int64_t threads = 256;
  const std::int64_t all_blocks = rows * mask.blocks();
  if (all_blocks == 0) return cudaSuccess;
  const auto grid = static_cast<unsigned>((all_blocks + threads - 1) / threads);
  mask_kernel<<<grid, static_cast<unsigned>(threads), 0, stream>>>(mask, key, ids, positions, all_blocks, out);
  return cudaGetLastError();
}

}  // namespace rest
