#pragma once

#include <cuda_runtime_api.h>

#include "rest/model/dropout_mask.hpp"

namespace rest {

/// out [rows, features]; ids, positions [rows]; all in device memory.
cudaError_t fill_dropout_mask(DropoutMask mask, Philox key, const std::int64_t* ids, const std::int64_t* positions,
                              std::int64_t rows, float* out, cudaStream_t stream);

}  // namespace rest
