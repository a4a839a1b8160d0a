#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rest/comm/gradient_reducer.hpp"
#include "rest/comm/launch_graph.hpp"

namespace rest {

/// One rank's part in an all-reduce.
struct NcclOptions {
  std::string id;  ///< new_id() of rank 0; unused when there is one rank
  int rank = 0, ranks = 1;
  ReducerOptions reducer;
};

/// What librest_cuda.so offers to rest_core, which it knows nothing of.
class CudaInterface {
 public:
  virtual ~CudaInterface() = default;
  virtual std::vector<std::string> seen() const = 0;  ///< UUIDs of the GPUs that this process sees
  virtual void use(int gpu) const = 0;
  virtual std::string name(int gpu) const = 0;
  virtual std::string new_id() const = 0;  ///< of an NCCL communicator
  virtual std::unique_ptr<GradientReducer> make_reducer(const NcclOptions& options) const = 0;
  virtual std::unique_ptr<LaunchRecorder> make_recorder() const = 0;
};

constexpr const char* cuda_library = "librest_cuda.so";
constexpr const char* cuda_interface_function = "rest_cuda_interface";
/// The type of that function.
using CudaInterfaceFunction = const CudaInterface*();

}  // namespace rest
