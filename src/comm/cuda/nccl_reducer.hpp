#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

#include "../cuda_interface.hpp"
#include "../leaf_cursor.hpp"

namespace rest {

/// make_nccl_reducer() of rest/comm/cuda.hpp. One rank alone needs no NCCL.
class NcclReducer : public GradientReducer {
 public:
  explicit NcclReducer(const NcclOptions& options);
  ~NcclReducer() override;
  NcclReducer(const NcclReducer&) = delete;
  NcclReducer& operator=(const NcclReducer&) = delete;

  void add(std::int64_t leaf, Span<const float> values) override;
  Span<float> finish() override;

 private:
  void follow(cudaStream_t later, cudaStream_t earlier);
  void wait();
  void release() noexcept;

  int rank_, ranks_;
  std::size_t elements_;
  LeafCursor cursor_;
  ncclComm_t comm_ = nullptr;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t event_ = nullptr;
  float* total_ = nullptr;  // device memory [elements]
};

}  // namespace rest
