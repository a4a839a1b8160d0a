#include "training_operators.hpp"

#include <ATen/ATen.h>
#include <torch/library.h>

namespace rest {
namespace {

using OptionalTensor = std::optional<at::Tensor>;

void cross_entropy_rows_on_cpu(const at::Tensor& logits, const at::Tensor& target, const at::Tensor& weight,
                               double smoothing, const at::Tensor& gradient, const at::Tensor& sums) {
  const at::Tensor log_p = at::log_softmax(logits, 1), places = target.unsqueeze(1);
  const at::Tensor w = weight.to(logits.scalar_type());
  const at::Tensor nll = w * -log_p.gather(1, places).squeeze(1), even = w * -log_p.mean(1);
  sums.select(1, 0).copy_((1.0 - smoothing) * nll + smoothing * even);
  sums.select(1, 1).copy_(nll);
  const at::Tensor spread = (log_p.exp() - smoothing / static_cast<double>(logits.size(1))) * w.unsqueeze(1);
  gradient.copy_(spread.scatter_add(1, places, (w * -(1.0 - smoothing)).unsqueeze(1)));
}

/// `step`: the members of AdamStep in order.
void adam_step_on_cpu(at::ArrayRef<double> step, const at::Tensor& gradient, const at::Tensor& parameters,
                      const at::Tensor& first, const at::Tensor& second, const OptionalTensor& average,
                      const OptionalTensor& compute) {
  const double gradient_scale = step[0], beta1 = step[1], beta2 = step[2], rate = step[3], root_correction = step[4],
               epsilon = step[5], average_decay = step[6];
  const at::Tensor scaled = gradient * gradient_scale;
  first.mul_(beta1).add_(scaled, 1.0 - beta1);
  second.mul_(beta2).addcmul_(scaled, scaled, 1.0 - beta2);
  parameters.addcdiv_(first, second.sqrt().mul_(root_correction).add_(epsilon), -rate);
  if (average) average->mul_(average_decay).add_(parameters, 1.0 - average_decay);
  if (compute) compute->copy_(parameters);
}

TORCH_LIBRARY_FRAGMENT(rest, library) {
  library.def(
      "cross_entropy_rows(Tensor logits, Tensor target, Tensor weight, float smoothing, Tensor(a!) gradient, "
      "Tensor(b!) sums) -> ()");
  library.def(
      "adam_step(float[] step, Tensor gradient, Tensor(a!) parameters, Tensor(b!) first, Tensor(c!) second, "
      "Tensor(d!)? average, Tensor(e!)? compute) -> ()");
}
TORCH_LIBRARY_IMPL(rest, CPU, library) {
  library.impl("cross_entropy_rows", &cross_entropy_rows_on_cpu);
  library.impl("adam_step", &adam_step_on_cpu);
}

OptionalTensor if_defined(const at::Tensor& tensor) { return tensor.defined() ? OptionalTensor(tensor) : std::nullopt; }

}  // namespace

void cross_entropy_rows(const at::Tensor& logits, const at::Tensor& target, const at::Tensor& weight, double smoothing,
                        const at::Tensor& gradient, const at::Tensor& sums) {
  static const auto operation = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("rest::cross_entropy_rows", "")
                                    .typed<decltype(cross_entropy_rows_on_cpu)>();
  operation.call(logits, target, weight, smoothing, gradient, sums);
}

void adam_step(const AdamStep& step, const at::Tensor& gradient, const AdamBuffers& buffers) {
  static const auto operation =
      c10::Dispatcher::singleton().findSchemaOrThrow("rest::adam_step", "").typed<decltype(adam_step_on_cpu)>();
  const std::array<double, 7> members{step.gradient_scale,  step.beta1,   step.beta2,        step.rate,
                                      step.root_correction, step.epsilon, step.average_decay};
  operation.call(members, gradient, buffers.parameters, buffers.first, buffers.second, if_defined(buffers.average),
                 if_defined(buffers.compute));
}

}  // namespace rest
