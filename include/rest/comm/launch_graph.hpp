#pragma once

#include <functional>
#include <memory>

namespace rest {

/// Kernels that were recorded once and are launched together, at the price of one launch.
class LaunchGraph {
 public:
  virtual ~LaunchGraph() = default;
  /// On the current stream of the GPU they were recorded on: the same kernels over the same memory.
  virtual void launch() = 0;
};

/// Records what work launches on the current GPU. Graphs of one recorder must not run at the same time: they share the
/// memory that their work asks for, of which each keeps only what is still held when it was recorded.
class LaunchRecorder {
 public:
  virtual ~LaunchRecorder() = default;
  /// Runs `work` twice: first in earnest, so that libraries choose their kernels and get memory, then recorded without
  /// being computed. It must not wait for the GPU, nor copy from or to pageable memory. Waits for the GPU.
  virtual std::unique_ptr<LaunchGraph> record(const std::function<void()>& work) = 0;
};

}  // namespace rest
