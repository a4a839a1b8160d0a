#pragma once

#include <cuda_runtime_api.h>

#include "rest/core/error.hpp"

namespace rest {

/// Throws Error naming the operator and CUDA's own words unless its kernel was started.
inline void check_kernel(cudaError_t status, const char* name) {
  if (status != cudaSuccess) throw Error(concat("the kernel of ", name, " failed"), cudaGetErrorString(status));
}

}  // namespace rest
