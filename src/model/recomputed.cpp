#include "recomputed.hpp"

namespace rest {

using torch::autograd::variable_list;

namespace {

variable_list defined_of(const variable_list& tensors) {
  variable_list defined;
  for (const torch::Tensor& tensor : tensors) {
    if (tensor.defined()) defined.push_back(tensor);
  }
  return defined;
}

variable_list detached(const variable_list& tensors) {
  variable_list leaves;
  for (const torch::Tensor& tensor : tensors) leaves.push_back(tensor.defined() ? tensor.detach() : tensor);
  return leaves;
}

}  // namespace

variable_list recomputed(const variable_list& inputs, const std::function<variable_list(const variable_list&)>& body) {
  if (!torch::GradMode::is_enabled()) return body(inputs);
  variable_list outputs;
  {
    const torch::NoGradGuard no_gradient;
    outputs = detached(body(inputs));
  }
  record_step(defined_of(inputs), defined_of(outputs), [kept = detached(inputs), body](const variable_list& gradients) {
    const torch::AutoGradMode again(true);
    const variable_list leaves = detached(kept);
    for (const torch::Tensor& leaf : leaves) {
      if (leaf.defined()) leaf.requires_grad_(true);
    }
    variable_list from, with;
    const variable_list made = defined_of(body(leaves));
    for (std::size_t i = 0; i < made.size(); ++i) {
      if (!gradients[i].defined()) continue;
      from.push_back(made[i]);
      with.push_back(gradients[i]);
    }
    torch::autograd::backward(from, with);
    variable_list of_inputs;
    for (const torch::Tensor& leaf : leaves) {
      if (leaf.defined()) of_inputs.push_back(leaf.grad());
    }
    return of_inputs;
  });
  return outputs;
}

}  // namespace rest
