#include "recorded_step.hpp"

#include <torch/csrc/autograd/functions/utils.h>

namespace rest {
namespace {

class RecordedStep : public torch::autograd::Node {
 public:
  explicit RecordedStep(Backward backward) : backward_(std::move(backward)) {}
  torch::autograd::variable_list apply(torch::autograd::variable_list&& gradients) override {
    const torch::NoGradGuard no_gradient;
    return backward_(gradients);
  }
  void release_variables() override { backward_ = nullptr; }

 private:
  Backward backward_;
};

}  // namespace

void record_step(const torch::autograd::variable_list& inputs, const torch::autograd::variable_list& outputs,
                 Backward backward) {
  const auto step = std::make_shared<RecordedStep>(std::move(backward));
  step->set_next_edges(torch::autograd::collect_next_edges(inputs));
  for (const torch::Tensor& output : outputs) torch::autograd::set_history(output, step);
}

}  // namespace rest
