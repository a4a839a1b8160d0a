#pragma once

#include "rest/comm/communicator.hpp"
#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/model/device.hpp"
#include "rest/train/trainer.hpp"

namespace rest {

/// What [train] says, for a trainer.
TrainerOptions trainer_options(const TrainOptions& train, double dropout);

/// Trains policy g0-i0 on the bitext (section 3, BC G=0 I=0) and commits it to run.initial_policy(); goes on from its
/// checkpoints. Returns exit_success when the policy is complete, exit_stopped when a signal ended it early.
int run_behaviour_cloning(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                          torch::Device device = torch::kCPU);

}  // namespace rest
