#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "rest/comm/communicator.hpp"
#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/model/device.hpp"

namespace rest {

struct ImproveRequest {
  std::int64_t grow_step = 1;
  std::string variant = "bc";
  std::optional<std::int64_t> only_step;  ///< one step instead of all of them
  torch::Device device = torch::kCPU;
};

/// The Improve steps of a Grow step (algorithm 1): i0 fine-tunes on all of D_g, i1 .. iI on what passes the filter
/// (improve.filter: R > tau_i or another, select/filter.hpp), each from the policy before it (i0 and i1 from the policy
/// that grew the step), with a learning rate that falls from step to step. Reward is that of sampled translations of
/// one half of validation; a step keeps its best checkpoint by it. A step that does not raise it makes the later ones
/// moot (improve.stop_when_flat).
///
/// Every step leaves a policy directory with step.json; when all are done, `improve/<variant>/g<G>-best.json` names the
/// policy with the highest reward. Returns exit_success or exit_stopped.
int run_improve(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                const ImproveRequest& request);

/// The policy that the Grow step samples from: g0-i0 for the first, else the best one of the variant's step before.
/// Throws Error naming what is missing.
std::string policy_to_grow_from(const RunDirectory& run, const std::string& variant, std::int64_t grow_step);

}  // namespace rest
