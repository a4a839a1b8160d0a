#pragma once

#include <torch/torch.h>

#include <vector>

#include "grow/heads/projection_head.hpp"
#include "random_model.hpp"
#include "rest/core/philox.hpp"

namespace rest::grow_test {

/// Hidden states that make some pieces likely, [rows, hidden].
inline torch::Tensor hidden_states(std::int64_t rows, const Transformer& model) {
  const std::int64_t hidden = model.config().hidden;
  const auto angles = torch::arange(rows * hidden, torch::kFloat64).view({rows, hidden});
  return (torch::sin(angles * 1.7) * 2.0).to(model.dtype());
}

/// Ten draws a row, on all rows but the second: open ones, the ends of the range of uniforms among them, and a given
/// piece.
inline std::vector<Draw> draws_of(std::int64_t rows, std::int64_t vocabulary_size) {
  const Philox uniforms(Purpose::sample, 4);
  std::vector<Draw> draws;
  for (std::int64_t row = 0; row < rows; ++row) {
    if (row == 1) continue;
    for (std::uint32_t i = 0; i < 10; ++i) {
      Draw draw{row};
      draw.uniform = i == 0 ? 0.0 : i == 1 ? 1.0 - 0x1.0p-53 : uniforms.uniform(static_cast<std::uint32_t>(row), i);
      if (i == 5) draw.token = (row * 131) % vocabulary_size;
      draws.push_back(draw);
    }
  }
  return draws;
}

/// A config whose vocabulary is several slices and no whole number of blocks.
inline TransformerConfig wide_config() {
  TransformerConfig config = small_config();
  config.vocabulary_size = 9001;
  return config;
}

}  // namespace rest::grow_test
