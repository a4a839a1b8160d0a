#pragma once

#include <ATen/cuda/MemPool.h>
#include <c10/cuda/CUDAStream.h>

#include <memory>

#include "rest/comm/launch_graph.hpp"

namespace rest {

/// By LibTorch's CUDA graphs, recorded on a stream of their own: the default one cannot be.
class CudaLaunchRecorder : public LaunchRecorder {
 public:
  CudaLaunchRecorder() : stream_(c10::cuda::getStreamFromPool()) {}

  std::unique_ptr<LaunchGraph> record(const std::function<void()>& work) override;

 private:
  c10::cuda::CUDAStream stream_;           // one for all: cuBLAS keeps a workspace for each stream
  std::weak_ptr<at::cuda::MemPool> pool_;  // of its graphs: given back when the last of them is gone
};

}  // namespace rest
