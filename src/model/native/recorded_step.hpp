#pragma once

#include <torch/torch.h>

#include <functional>
#include <utility>
#include <vector>

namespace rest {

/// What a step of a forward pass leaves for the backward pass: from the gradients of its outputs, undefined where
/// nothing depends on them, to those of its inputs.
using Backward = std::function<torch::autograd::variable_list(const torch::autograd::variable_list& gradients)>;

/// Makes `outputs`, computed without autograd, the outputs of one step with these inputs. Parameters need not be among
/// the inputs: steps add to their gradients by themselves.
void record_step(const torch::autograd::variable_list& inputs, const torch::autograd::variable_list& outputs,
                 Backward backward);

}  // namespace rest
