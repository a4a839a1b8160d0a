#pragma once

#include <torch/types.h>

#include <cstdint>

#include "rest/model/sequences.hpp"

namespace rest {

/// The mask of one place in the model that drops out; what it drops depends on (seed, update, site, example, position,
/// feature) alone: not on the batch an example is in, the rank that holds it, or the device.
struct DropoutSite {
  double probability = 0.0;  ///< 0: nothing is dropped
  std::int64_t seed = 0, update = 0, site = 0;
  torch::Tensor ids, positions;  // [rows] int64, of Sequences; undefined when nothing is dropped

  /// [rows, features] float32: 0, or 1 / (1 - probability).
  torch::Tensor mask(std::int64_t features) const;
};

/// Hands out the sites of a forward pass, in order. One object a forward pass.
class Dropout {
 public:
  /// No dropout: evaluation and sampling.
  Dropout() = default;
  Dropout(double probability, std::uint64_t seed, std::uint64_t update)
      : probability_(probability), seed_(static_cast<std::int64_t>(seed)), update_(static_cast<std::int64_t>(update)) {}

  /// For rows of these sequences.
  DropoutSite next(const Sequences& sequences);

 private:
  double probability_ = 0.0;
  std::int64_t seed_ = 0, update_ = 0, site_ = 0;
};

}  // namespace rest
