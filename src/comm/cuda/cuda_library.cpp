#include <cuda_runtime_api.h>
#include <nccl.h>

#include <cstdio>

#include "../cuda_interface.hpp"
#include "cuda_check.hpp"
#include "launch_recorder.hpp"
#include "nccl_reducer.hpp"

namespace rest {
namespace {

class CudaLibrary : public CudaInterface {
 public:
  std::vector<std::string> seen() const override {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status == cudaErrorNoDevice) return {};
    if (status != cudaSuccess) {
      throw UsageError("--device cuda: there is no GPU to compute on",
                       concat("cudaGetDeviceCount: ", cudaGetErrorString(status)),
                       "check the driver by nvidia-smi, or compute with --device cpu");
    }
    std::vector<std::string> uuids;
    for (int gpu = 0; gpu < count; ++gpu) uuids.push_back(uuid(properties(gpu)));
    return uuids;
  }

  void use(int gpu) const override {
    const cudaError_t status = cudaSetDevice(gpu);
    if (status != cudaSuccess) throw Error(concat("cudaSetDevice failed for GPU ", gpu), cudaGetErrorString(status));
  }

  std::string name(int gpu) const override {
    const cudaDeviceProp found = properties(gpu);
    return concat(found.name, ", compute capability ", found.major, ".", found.minor);
  }

  std::string new_id() const override {
    ncclUniqueId id;
    check_nccl(ncclGetUniqueId(&id), "ncclGetUniqueId", 0);
    return std::string(id.internal, sizeof id.internal);
  }

  std::unique_ptr<GradientReducer> make_reducer(const NcclOptions& options) const override {
    return std::make_unique<NcclReducer>(options);
  }

  std::unique_ptr<LaunchRecorder> make_recorder() const override { return std::make_unique<CudaLaunchRecorder>(); }

 private:
  static cudaDeviceProp properties(int gpu) {
    cudaDeviceProp found;
    const cudaError_t status = cudaGetDeviceProperties(&found, gpu);
    if (status != cudaSuccess) {
      throw Error(concat("cudaGetDeviceProperties failed for GPU ", gpu), cudaGetErrorString(status));
    }
    return found;
  }

  static std::string uuid(const cudaDeviceProp& found) {
    std::string text = "GPU-";
    for (const char byte : found.uuid.bytes) {
      char digits[3];
      std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
      text += digits;
    }
    return text;
  }
};

}  // namespace
}  // namespace rest

extern "C" const rest::CudaInterface* rest_cuda_interface() {
  static const rest::CudaLibrary library;  // no state
  return &library;
}
