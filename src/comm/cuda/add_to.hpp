#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

namespace rest {

/// sum[i] += values[i] in device memory.
cudaError_t add_to(float* sum, const float* values, std::size_t count, cudaStream_t stream);

}  // namespace rest
