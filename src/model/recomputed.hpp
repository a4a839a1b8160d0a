#pragma once

#include "native/recorded_step.hpp"

namespace rest {

/// body(inputs) without what its backward pass needs (gradient checkpointing, Chen et al. 2016): only the inputs are
/// kept, and the body runs again when the gradients come. It must give the same the second time. Inputs and outputs may
/// be undefined.
torch::autograd::variable_list recomputed(
    const torch::autograd::variable_list& inputs,
    const std::function<torch::autograd::variable_list(const torch::autograd::variable_list&)>& body);

}  // namespace rest
