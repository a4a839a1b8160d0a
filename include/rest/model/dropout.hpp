#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace rest {

/// Dropout whose masks depend on (seed, update, site, example, position, feature) alone: not on the batch an example
/// is in, the rank that holds it, or the device. One object a forward pass; each call is the next site.
class Dropout {
 public:
  /// No dropout: evaluation and sampling.
  Dropout() = default;
  /// `examples` [batch]: Example::id of each row.
  Dropout(double probability, std::uint64_t seed, std::uint64_t update, std::vector<std::uint64_t> examples);

  /// x [batch, length, features] -> the same, dropped out and scaled by 1 / (1 - probability).
  torch::Tensor operator()(const torch::Tensor& x);

 private:
  double probability_ = 0.0;
  std::uint64_t seed_ = 0, update_ = 0, site_ = 0;
  std::vector<std::uint64_t> examples_;
  torch::Tensor examples_on_device_;  // [batch] int64, the same bits
};

}  // namespace rest
