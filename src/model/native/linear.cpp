#include "native_functions.hpp"
#include "products.hpp"
#include "recorded_step.hpp"

namespace rest::native {

torch::Tensor linear(const LinearWeights& weights, const torch::Tensor& x) {
  torch::Tensor out;
  {
    const torch::NoGradGuard no_gradient;
    out = multiply(x, weights, Activation::none);
  }
  if (torch::GradMode::is_enabled() && x.requires_grad()) {
    record_step({x}, {out}, [weights, in = x.detach()](const auto& gradients) -> torch::autograd::variable_list {
      const torch::Tensor gradient = gradients[0].contiguous();
      add_gradients(gradient, in, weights);
      return {multiply_back(gradient, weights, {})};
    });
  }
  return out;
}

torch::Tensor feed_forward(const LinearWeights& in, const LinearWeights& out, const torch::Tensor& x) {
  torch::Tensor inner, result;
  {
    const torch::NoGradGuard no_gradient;
    inner = multiply(x, in, Activation::relu);
    result = multiply(inner, out, Activation::none);
  }
  if (torch::GradMode::is_enabled() && x.requires_grad()) {
    record_step({x}, {result},
                [in, out, from = x.detach(), inner](const auto& gradients) -> torch::autograd::variable_list {
                  const torch::Tensor gradient = gradients[0].contiguous();
                  add_gradients(gradient, inner, out);
                  const torch::Tensor inner_gradient = multiply_back(gradient, out, inner);
                  add_gradients(inner_gradient, from, in);
                  return {multiply_back(inner_gradient, in, {})};
                });
  }
  return result;
}

}  // namespace rest::native
