#include "gradient_hook.hpp"

#include <torch/torch.h>

#include <memory>

namespace rest {
namespace {

class Hook : public torch::autograd::PostAccumulateGradHook {
 public:
  Hook(std::size_t parameter, TakeGradient take) : parameter_(parameter), take_(std::move(take)) {}

  void operator()(const torch::autograd::Variable& parameter) override {
    take_(parameter_, parameter.grad());
    parameter.mutable_grad().reset();
  }

 private:
  std::size_t parameter_;
  TakeGradient take_;
};

}  // namespace

void hand_over_gradients(std::vector<torch::Tensor>& parameters, const TakeGradient& take) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    parameters[i].requires_grad_(true);
    torch::autograd::impl::set_post_acc_grad_hooks(parameters[i], std::make_unique<Hook>(i, take));
  }
}

}  // namespace rest
