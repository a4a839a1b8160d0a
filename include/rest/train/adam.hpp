#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "rest/comm/gradient_reducer.hpp"
#include "rest/model/device.hpp"
#include "rest/train/shard.hpp"

namespace rest {

struct AdamOptions {
  double beta1 = 0.9, beta2 = 0.98, epsilon = 1e-9;
  double clip_norm = 1.0;      ///< of the whole gradient; 0: none
  double average_decay = 0.0;  ///< exponential moving average of the weights; 0: none
  Kernels kernels = Kernels::native;
};

/// Adam (Kingma and Ba 2015) over flat float32 buffers on one device: of all parameters, or of one rank's shard of them
/// (ZeRO stage 1, Rajbhandari et al. 2020).
class Adam {
 public:
  /// `parameters` [elements] float32, all of them. A whole shard shares their memory.
  Adam(const torch::Tensor& parameters, AdamOptions options, Shard shard);
  Adam(const torch::Tensor& parameters, AdamOptions options) : Adam(parameters, options, Shard(parameters.numel())) {}

  /// `gradient` [elements], in the memory of the device, holds sums, divided here by `count`; those outside the shard
  /// are not read when the sum of squares is given. What the shard's parameters become is also written to `compute`
  /// [elements], float32 or bfloat16, in the same pass; undefined: nowhere. Returns the norm of the gradient before
  /// clipping.
  double update(const GradientSum& gradient, double count, double learning_rate, std::int64_t update,
                const torch::Tensor& compute = {});

  /// Float32 buffers of the shard by name (parameters, first and second moment, average when kept): what a checkpoint
  /// holds of all shards.
  std::vector<std::pair<std::string, torch::Tensor>> state() const;
  const torch::Tensor& parameters() const { return parameters_; }
  /// The average if one is kept, else the parameters: what is evaluated and becomes the policy.
  const torch::Tensor& policy_parameters() const { return average_.defined() ? average_ : parameters_; }
  const Shard& shard() const { return shard_; }

 private:
  bool by_operators() const { return options_.kernels == Kernels::operators || !parameters_.is_cpu(); }

  AdamOptions options_;
  Shard shard_;
  torch::Tensor parameters_, first_moment_, second_moment_, average_;  // [elements of the shard]
};

}  // namespace rest
