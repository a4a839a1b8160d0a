#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "rest/core/span.hpp"
#include "rest/model/device.hpp"

namespace rest {

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-9;
  double clip_norm = 1.0;      ///< of the whole gradient; 0: none
  double average_decay = 0.0;  ///< exponential moving average of the weights; 0: none
  Kernels kernels = Kernels::native;
};

/// Adam (Kingma and Ba 2015) over flat float32 buffers [elements] on one device; one pass an update on the CPU.
class Adam {
 public:
  Adam(torch::Tensor parameters, AdamOptions options);

  /// `gradient`, in the memory of the device, holds sums, divided here by `count`. Returns the norm of the gradient
  /// before clipping.
  double update(Span<const float> gradient, double count, double learning_rate, std::int64_t update);

  /// Float32 buffers by name (parameters, first and second moment, average when kept): what a checkpoint holds.
  std::vector<std::pair<std::string, torch::Tensor>> state() const;
  const torch::Tensor& parameters() const { return parameters_; }
  /// The average if one is kept, else the parameters: what is evaluated and becomes the policy.
  const torch::Tensor& policy_parameters() const { return average_.defined() ? average_ : parameters_; }

 private:
  bool by_operators() const { return options_.kernels == Kernels::operators || !parameters_.is_cpu(); }

  AdamOptions options_;
  torch::Tensor parameters_, first_moment_, second_moment_, average_;
};

}  // namespace rest
