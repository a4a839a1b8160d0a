#pragma once

#include <memory>
#include <string>
#include <vector>

#include "rest/comm/communicator.hpp"
#include "rest/comm/gradient_reducer.hpp"
#include "rest/comm/launch_graph.hpp"

namespace rest {

// GPUs. All that needs CUDA's libraries is in librest_cuda.so, which the first of these functions to be called loads,
// LibTorch's CUDA part with it: programs that compute on the CPU start without any of them.
// Each throws UsageError when this build has no GPU support, or a library it needs is missing (naming it).

/// Which of the GPUs it sees a rank computes on, by what each rank of its host sees (UUIDs). Ranks that all see the
/// same ones take one each, in order; ranks that were given GPUs of their own (Slurm's --gpus-per-task) take their
/// first. Throws UsageError when a rank sees none, or there are fewer GPUs than ranks.
int gpu_of_rank(const std::vector<std::vector<std::string>>& seen_by_rank, int rank);

/// Chooses this rank's GPU by its rank within the host and makes it current. Collective. Returns its number among the
/// GPUs that this process sees.
int use_gpu_of_rank(const Communicator& world);

/// "NVIDIA H100 80GB HBM3, compute capability 9.0".
std::string gpu_name(int gpu);

/// The gradient reducer over NCCL, for gradients in the memory of the current GPU: the spans it takes and returns are
/// device memory, written and read on CUDA's default stream. Each rank's leaves are added in order; what the last one
/// completes is all-reduced on a stream of its own, everywhere whatever the options want: equal results at an equal
/// rank count. An error of NCCL aborts its communicator and is thrown. Collective, as is its end.
std::unique_ptr<GradientReducer> make_nccl_reducer(const Communicator& communicator, ReducerOptions options);

/// Records CUDA graphs on the current GPU.
std::unique_ptr<LaunchRecorder> make_launch_recorder();

}  // namespace rest
