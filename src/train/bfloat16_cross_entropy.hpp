#pragma once

#include <torch/types.h>

#include "rest/model/transformer.hpp"

namespace rest {

struct CrossEntropySums {
  double loss = 0.0, negative_log_likelihood = 0.0;
};

/// projected_cross_entropy() for the CPU in bfloat16, without logits: the exponentials of a few thousand pieces at a
/// time are made from them while they are in the cache, kept rounded to bfloat16, and become the gradient in place.
/// Where `hidden_gradient` [tokens, features] is defined it is set, and the embedding's bound gradient added to.
CrossEntropySums bfloat16_cross_entropy(const torch::Tensor& hidden, const EmbeddingWeights& embedding,
                                        const torch::Tensor& target, const torch::Tensor& weight, double smoothing,
                                        const torch::Tensor& hidden_gradient);

}  // namespace rest
