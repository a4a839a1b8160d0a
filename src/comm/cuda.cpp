#include "rest/comm/cuda.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cuda_interface.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

/// The library stays loaded: asked for again, dlopen gives the same one.
const CudaInterface& cuda() {
  constexpr const char* problem = "--device cuda cannot be had";
  if (std::string(REST_CUDA_WORDS).empty()) {
    throw UsageError(problem, "this build has no GPU support",
                     "configure with -DREST_CUDA=ON, or compute with --device cpu");
  }
  // RTLD_GLOBAL: LibTorch's CUDA part must meet the LibTorch of this program.
  void* const library = dlopen(cuda_library, RTLD_NOW | RTLD_GLOBAL);
  void* const function = library ? dlsym(library, cuda_interface_function) : nullptr;
  if (!function) {
    const char* const why = dlerror();
    throw UsageError(problem, why ? why : "no reason given",
                     "have jobs/setup.sh install the CUDA libraries that LibTorch needs, or name their folders in "
                     "LD_LIBRARY_PATH");
  }
  return *reinterpret_cast<CudaInterfaceFunction*>(function)();
}

}  // namespace

int gpu_of_rank(const std::vector<std::vector<std::string>>& seen_by_rank, int rank) {
  const auto& seen = seen_by_rank.at(static_cast<std::size_t>(rank));
  if (seen.empty()) {
    throw UsageError("--device cuda: this rank sees no GPU", "",
                     "check nvidia-smi, CUDA_VISIBLE_DEVICES and the job's --gpus, or compute with --device cpu");
  }
  const bool all_alike = std::all_of(seen_by_rank.begin(), seen_by_rank.end(), [&](auto& s) { return s == seen; });
  const auto ranks = seen_by_rank.size();
  const auto too_few = [&](const std::string& why) {
    return UsageError(concat("--device cuda: ", ranks, " ranks on this host cannot have a GPU each"), why,
                      "start as many ranks a host as it has GPUs");
  };
  if (all_alike) {
    if (ranks > seen.size()) throw too_few(concat("they see ", seen.size()));
    return rank;
  }
  const auto sharing = std::count_if(seen_by_rank.begin(), seen_by_rank.end(),
                                     [&](auto& other) { return !other.empty() && other.front() == seen.front(); });
  if (sharing > 1) throw too_few(concat(sharing, " of them were given ", seen.front()));
  return 0;
}

int use_gpu_of_rank(const Communicator& world) {
  const Communicator host = split_by_host(world);
  std::vector<std::vector<std::string>> seen_by_rank;
  for (const std::string& seen : all_gather(host, nlohmann::json(cuda().seen()).dump())) {
    seen_by_rank.push_back(nlohmann::json::parse(seen));
  }
  const int gpu = gpu_of_rank(seen_by_rank, host.rank());
  cuda().use(gpu);
  return gpu;
}

std::string gpu_name(int gpu) { return cuda().name(gpu); }

std::unique_ptr<GradientReducer> make_nccl_reducer(const Communicator& communicator, ReducerOptions reducer) {
  require_leaves(communicator, reducer.leaves);
  NcclOptions options;
  options.rank = communicator.rank();
  options.ranks = communicator.size();
  options.reducer = std::move(reducer);
  if (options.ranks > 1) options.id = broadcast(communicator, communicator.is_root() ? cuda().new_id() : "");
  return cuda().make_reducer(options);
}

std::unique_ptr<LaunchRecorder> make_launch_recorder() { return cuda().make_recorder(); }

}  // namespace rest
