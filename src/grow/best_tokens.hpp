#pragma once

#include <torch/types.h>

#include <cstddef>
#include <vector>

#include "rest/core/ragged.hpp"
#include "rest/model/transformer.hpp"

namespace rest {

struct LikelyToken {
  Token token;
  double log_prob;
};

/// The `count` likeliest next tokens of each row, likeliest first, of equal logits the lower token first.
/// hidden [rows, hidden] -> [rows] of at most `count`. Throws Error when logits are not finite.
std::vector<std::vector<LikelyToken>> best_tokens(const Transformer& model, const torch::Tensor& hidden,
                                                  std::size_t count);

}  // namespace rest
