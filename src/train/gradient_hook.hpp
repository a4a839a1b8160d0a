#pragma once

#include <torch/types.h>

#include <cstddef>
#include <functional>
#include <vector>

namespace rest {

/// Hears of each parameter's gradient as soon as the backward pass has it. The parameter does not keep it.
using TakeGradient = std::function<void(std::size_t parameter, const torch::Tensor& gradient)>;

/// From now on a backward pass hands the gradients of `parameters` to `take`, on the thread that computes it.
void hand_over_gradients(std::vector<torch::Tensor>& parameters, const TakeGradient& take);

}  // namespace rest
