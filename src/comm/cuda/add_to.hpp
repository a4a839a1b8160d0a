#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "rest/comm/gradient_reducer.hpp"

namespace rest {

/// sum[i] += values[i] in device memory.
cudaError_t add_to(float* sum, const float* values, std::size_t count, cudaStream_t stream);
cudaError_t add_to(float* sum, const Bfloat16* values, std::size_t count, cudaStream_t stream);
/// target[i] = values[i].
cudaError_t copy_to(float* target, const float* values, std::size_t count, cudaStream_t stream);
cudaError_t copy_to(float* target, const Bfloat16* values, std::size_t count, cudaStream_t stream);

}  // namespace rest
