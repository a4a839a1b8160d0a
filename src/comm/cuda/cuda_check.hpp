#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

#include "rest/core/error.hpp"

namespace rest {

/// Throws Error naming the call, the rank and CUDA's own words unless `status` is cudaSuccess.
inline void check_cuda(cudaError_t status, const char* call, int rank) {
  if (status == cudaSuccess) return;
  throw Error(concat(call, " failed on rank ", rank), cudaGetErrorString(status));
}

/// The same for NCCL; its last error tells more than the status.
inline void check_nccl(ncclResult_t status, const char* call, int rank) {
  if (status == ncclSuccess) return;
  throw Error(concat(call, " failed on rank ", rank),
              concat(ncclGetErrorString(status), ": ", ncclGetLastError(nullptr)),
              "NCCL_DEBUG=INFO in the environment makes NCCL tell more");
}

}  // namespace rest
