#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "rest/comm/cuda.hpp"
#include "step_table.hpp"

namespace rest {

/// Rows that a step of `rows` is padded to: 2^k or 3 * 2^k, 8 at least, so that few sizes serve all steps.
std::int64_t padded_rows(std::int64_t rows);

/// The decoder's layers as CUDA graphs, one for each number of rows. A step has some hundred small kernels; launched
/// one by one, the GPU waits for them.
class RecordedSteps {
 public:
  /// x [rows, hidden] and the step's table -> [rows, hidden].
  using Layers = std::function<at::Tensor(const at::Tensor& x, const StepTable& table)>;
  using MakeRecorder = std::function<std::unique_ptr<LaunchRecorder>()>;
  explicit RecordedSteps(Layers layers, MakeRecorder make_recorder = make_launch_recorder)
      : layers_(std::move(layers)), make_recorder_(std::move(make_recorder)) {}

  /// layers(x, table), good until the next call. `memory` names the caches that the layers use besides; when one of
  /// them, or the table, has moved, all graphs are void. The first step of its size is not recorded yet.
  at::Tensor run(const at::Tensor& x, const StepTable& table, const std::vector<at::Tensor>& memory);

 private:
  struct Recorded {
    std::unique_ptr<LaunchGraph> graph;  // null before the second step; gone after what lies in its memory
    at::Tensor x, hidden;                // [rows, hidden]: in, out
  };
  void forget_if_moved(const StepTable& table, const std::vector<at::Tensor>& memory);
  void record(Recorded& recorded, const StepTable& table);

  Layers layers_;
  MakeRecorder make_recorder_;
  std::unique_ptr<LaunchRecorder> recorder_;
  std::vector<const void*> places_;           // of the table and of `memory`
  std::map<std::int64_t, Recorded> by_rows_;  // gone before the recorder
};

}  // namespace rest
