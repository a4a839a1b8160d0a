#pragma once

#include "unit/grow/random_model.hpp"

/// grow_test::random_model() on a device.
inline rest::Transformer model_on(torch::Device device, const rest::TransformerConfig& config, torch::ScalarType type) {
  return rest::Transformer(config, rest::grow_test::random_parameters(config).to(type).to(device));
}
