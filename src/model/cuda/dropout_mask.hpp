#pragma once

#include <cuda_runtime_api.h>

#include "rest/model/dropout_mask.hpp"

namespace rest {

/// out [batch, length, features]; examples [batch]; both in device memory.
cudaError_t fill_dropout_mask(DropoutMask mask, Philox key, const std::int64_t* examples, std::int64_t batch,
                              std::int64_t length, float* out, cudaStream_t stream);

}  // namespace rest
