#include "rest/model/device.hpp"

#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <torch/cuda.h>

#include <cstdlib>
#include <filesystem>

#include "rest/comm/cuda.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/memory.hpp"

namespace rest {
namespace {

/// Equal results at an equal rank count. Not merely warnings: attention then keeps its indeterminate backward pass.
void ask_for_determinism() {
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0);  // cuBLAS wants it before its first call
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
  at::globalContext().setDeterministicFillUninitializedMemory(false);  // all of it is written before it is read
}

}  // namespace

torch::Device choose_device(const Communicator& world, const std::string& choice) {
  if (choice == "cpu") {
    if (world.is_root() && std::filesystem::exists("/dev/nvidiactl")) {
      log_info("this host has a GPU; --device cuda would compute on it");
    }
    return torch::kCPU;
  }
  if (choice != "cuda") throw UsageError("device \"" + choice + "\" is not known", "", "use cpu or cuda");
  const int gpu = use_gpu_of_rank(world);
  if (torch::cuda::device_count() <= gpu) {
    throw UsageError(concat("--device cuda: LibTorch does not see GPU ", gpu, ", which CUDA does"), "",
                     "check that the driver is recent enough for LibTorch's CUDA version");
  }
  ask_for_determinism();
  return {torch::kCUDA, static_cast<torch::DeviceIndex>(gpu)};
}

std::string device_name(torch::Device device) {
  return device.is_cuda() ? "cuda (" + gpu_name(device.index()) + ")" : "cpu";
}

std::int64_t peak_memory(torch::Device device) {
  if (!device.is_cuda()) return peak_resident_bytes();
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  return stats.reserved_bytes.at(static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE)).peak;
}

}  // namespace rest
