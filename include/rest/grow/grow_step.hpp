#pragma once

#include <cstdint>

#include "rest/comm/communicator.hpp"
#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/grow/generator.hpp"
#include "rest/model/device.hpp"

namespace rest {

/// The Grow step g (section 3.1): samples every source of the training corpus from the policy in `policy_directory` and
/// writes committed shards to run.grow(g); goes on from the shards already there. Returns exit_success when all shards
/// are committed (rank 0 then writes the index), exit_stopped when a signal ended it early. Computes on `device`.
int run_grow_step(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                  std::int64_t grow_step, const std::filesystem::path& policy_directory,
                  torch::Device device = torch::kCPU);

GenerateOptions generate_options(const GrowOptions& options);

}  // namespace rest
