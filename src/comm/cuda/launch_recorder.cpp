#include "launch_recorder.hpp"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAGuard.h>

#include <exception>

namespace rest {
namespace {

class CudaLaunchGraph : public LaunchGraph {
 public:
  CudaLaunchGraph(const std::function<void()>& work, std::shared_ptr<at::cuda::MemPool> pool) : pool_(std::move(pool)) {
    // Only this thread is kept from what a recording forbids.
    graph_.capture_begin(pool_->id(), cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      end_broken_recording();
      throw;
    }
    graph_.capture_end();
  }
  void launch() override { graph_.replay(); }

 private:
  /// What failed in `work` is the error to be told.
  void end_broken_recording() {
    try {
      graph_.capture_end();
    } catch (const std::exception&) {
    }
  }

  std::shared_ptr<at::cuda::MemPool> pool_;
  at::cuda::CUDAGraph graph_;  // gone before its pool
};

}  // namespace

std::unique_ptr<LaunchGraph> CudaLaunchRecorder::record(const std::function<void()>& work) {
  c10::cuda::getCurrentCUDAStream(stream_.device_index()).synchronize();  // `work` may use what is being computed there
  const c10::cuda::CUDAStreamGuard guard(stream_);
  work();
  stream_.synchronize();
  auto pool = pool_.lock();
  if (!pool) pool_ = pool = std::make_shared<at::cuda::MemPool>();
  return std::make_unique<CudaLaunchGraph>(work, std::move(pool));
}

}  // namespace rest
