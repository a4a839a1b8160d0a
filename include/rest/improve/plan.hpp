#pragma once

#include "rest/improve/improve_step.hpp"

namespace rest {

/// What the requested Improve steps would train on and what that would take, before any training: printed as tables by
/// rank 0 and written to report/plan.<variant>.g<G>.json (data/README.md describes it). Seconds are measured: a few
/// updates on each step's data behind a warm-up and one evaluation, with the policy that grew the step and these ranks;
/// where there is no such policy they are unknown. Writes nothing else. Collective; exit_success or exit_stopped.
int plan_improve(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                 const ImproveRequest& request);

}  // namespace rest
