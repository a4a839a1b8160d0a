#pragma once

#include <string>

#include "rest/comm/communicator.hpp"
#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/model/device.hpp"

namespace rest {

/// Learns a reference-free reward from rated translations (appendix A.4) by the experiment's [reward_model] and puts it
/// to run.learned_reward(name): the members one behind the other, data-parallel and restartable like a policy, each by
/// its best correlation with the held-out ratings; then the calibration, and how it did. Returns exit_success, or
/// exit_stopped when a signal ended it early. Collective. Throws Error or UsageError: ratings missing or unusable, the
/// starting policy of another tokenizer, a reward of this name that was made otherwise.
int run_reward_training(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                        const std::string& name, torch::Device device);

}  // namespace rest
