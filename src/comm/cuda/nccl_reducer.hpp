#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

#include "../cuda_interface.hpp"
#include "../leaf_cursor.hpp"
#include "rest/comm/buckets.hpp"

namespace rest {

/// make_nccl_reducer() of rest/comm/cuda.hpp. One rank alone needs no NCCL.
class NcclReducer : public GradientReducer {
 public:
  explicit NcclReducer(const NcclOptions& options);
  ~NcclReducer() override;
  NcclReducer(const NcclReducer&) = delete;
  NcclReducer& operator=(const NcclReducer&) = delete;

  void add(std::int64_t leaf, std::size_t part, Span<const float> values) override { add_values(leaf, part, values); }
  void add(std::int64_t leaf, std::size_t part, Span<const Bfloat16> values) override {
    add_values(leaf, part, values);
  }
  void end_leaf(std::int64_t leaf) override;
  GradientSum finish() override;
  void gather_buckets(void* values, std::size_t element_bytes) override;

 private:
  template <class T>
  void add_values(std::int64_t leaf, std::size_t part, Span<const T> values);
  void reduce_from(std::size_t complete);
  void follow(cudaStream_t later, cudaStream_t earlier);
  void wait();
  void release() noexcept;

  int rank_, ranks_;
  std::size_t elements_;
  LeafCursor cursor_;
  Buckets buckets_;
  std::size_t reduced_from_;  // elements from here on are on their way
  ncclComm_t comm_ = nullptr;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t event_ = nullptr;
  float* total_ = nullptr;  // device memory [elements]
};

}  // namespace rest
