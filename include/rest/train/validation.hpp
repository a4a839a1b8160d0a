#pragma once

#include "rest/comm/communicator.hpp"
#include "rest/comm/gradient_reducer.hpp"
#include "rest/model/policy.hpp"
#include "rest/select/dataset.hpp"

namespace rest {

/// Mean negative log-likelihood per target token (nats, end pieces included, no smoothing, no dropout) under teacher
/// forcing. Batches are formed by a rule that does not know the rank count and shared out over ranks; equal on all.
/// Throws Stopped on all ranks when a stop was requested on one.
double validation_loss(const Communicator& world, const Policy& policy, const Dataset& dataset,
                       const std::string& precision);

}  // namespace rest
