#pragma once

#include "unit/grow/random_model.hpp"

/// grow_test::random_model() on a device.
inline rest::Transformer model_on(torch::Device device, const rest::TransformerConfig& config, torch::ScalarType type) {
  rest::Transformer model = rest::grow_test::random_model(config, type);
  const torch::Tensor flat = torch::zeros({model.layout().elements}, type);
  const auto into = rest::parameter_views(model.layout(), flat);
  for (std::size_t i = 0; i < into.size(); ++i) into[i].copy_(model.parameters()[i]);
  return rest::Transformer(config, flat.to(device));
}
