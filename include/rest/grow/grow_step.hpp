#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "rest/comm/communicator.hpp"
#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/grow/generator.hpp"
#include "rest/grow/part.hpp"
#include "rest/model/device.hpp"

namespace rest {

struct GrowRequest {
  std::int64_t grow_step = 1;
  std::filesystem::path policy;  ///< directory of the policy to sample from
  std::optional<GrowPart> part;  ///< of an array of jobs
  torch::Device device = torch::kCPU;
};

/// The Grow step g (section 3.1): samples every source of the training corpus from the request's policy and writes
/// committed shards to run.grow(g); goes on from the shards already there. Returns exit_success when all shards are
/// committed (rank 0 then writes the index), exit_stopped when a signal ended it early. With a part, only the shards of
/// its range are its affair, and the index is left to a later call without one.
int run_grow_step(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                  const GrowRequest& request);

GenerateOptions generate_options(const GrowOptions& options);

}  // namespace rest
