#pragma once

#include <functional>

#include "rest/comm/communicator.hpp"

namespace rest {

/// Throws Stopped on all ranks when a stop was requested on one. Collective: for the pauses between pieces of work that
/// leave nothing behind, such as reading a corpus.
void stop_point(const Communicator& communicator);

/// Runs `work` on rank 0 alone while the others wait. What it throws (UsageError, Stopped, or another exception as
/// Error) is thrown on all ranks, with the same words.
void on_root(const Communicator& communicator, const std::function<void()>& work);

}  // namespace rest
