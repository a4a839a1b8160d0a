#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "rest/model/config.hpp"

namespace rest {

/// One parameter's place in the flat buffer.
struct ParameterSpec {
  enum class Kind { embedding, matrix, bias, norm_scale };
  std::string name;
  std::vector<std::int64_t> shape;
  Kind kind;
  std::int64_t offset;  ///< elements; a multiple of 16, so that views are aligned
  std::int64_t elements;
};

/// All parameters of a model in one order: the order of the flat buffer, of checkpoints and of gradients.
struct ParameterLayout {
  std::vector<ParameterSpec> specs;
  std::int64_t elements = 0;  ///< of the flat buffer, alignment gaps (always zero) included
};
ParameterLayout make_layout(const TransformerConfig& config);

/// What the head of an estimator is told of a piece beside its hidden state.
constexpr std::int64_t predictor_features = 8;
/// Width of both together.
std::int64_t estimator_inputs(const TransformerConfig& config);

/// Views into a flat buffer [layout.elements], by layout order.
std::vector<torch::Tensor> parameter_views(const ParameterLayout& layout, const torch::Tensor& flat);

/// Fresh weights, float32: embeddings N(0, 1/hidden), matrices Xavier uniform, biases 0, norm scales 1, drawn from the
/// counter-based generator (purpose initialise, seed, parameter).
torch::Tensor initial_parameters(const ParameterLayout& layout, std::uint64_t seed);

}  // namespace rest
