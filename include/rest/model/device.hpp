#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "rest/comm/communicator.hpp"

namespace rest {

/// How a numerical core computes: by own loops, which need the CPU, or by LibTorch's operators, which run on any
/// device. GPUs always take the operators; on the CPU they are the same thing slower, and how the GPU's path is tested.
enum class Kernels { native, operators };

/// Where this rank computes: "cpu", or "cuda", one GPU a rank by its rank within the host. To be called before anything
/// else of LibTorch: it loads LibTorch's CUDA part and asks it for deterministic algorithms. Collective.
/// Throws UsageError when there is no GPU for this rank; never answers another device than asked for.
torch::Device choose_device(const Communicator& world, const std::string& choice);

/// "cpu", or "cuda" with the GPU's name: what sidecars and logs say.
std::string device_name(torch::Device device);

/// The most memory that this process has taken so far where it computes, in bytes: resident on the CPU, or reserved on
/// the GPU by LibTorch.
std::int64_t peak_memory(torch::Device device);

}  // namespace rest
