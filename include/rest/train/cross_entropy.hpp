#pragma once

#include <torch/types.h>

#include "rest/model/transformer.hpp"

namespace rest {

/// Sums over tokens of a batch.
struct TokenLoss {
  torch::Tensor loss;                    // scalar: sum of weight x label-smoothed cross-entropy, what is differentiated
  double negative_log_likelihood = 0.0;  ///< sum of weight x -log p(token), in nats
};

/// Projection and label-smoothed cross-entropy in one: hidden [tokens, features] and embedding [vocabulary, features]
/// of one floating type, target [tokens] int64, weight [tokens] float32. The smoothed distribution puts 1 - smoothing
/// on the target and spreads smoothing evenly over the vocabulary (Szegedy et al. 2016). Works in blocks; the gradient
/// is formed on the way, so the logits of the batch never exist at once. Where the embedding has a bound gradient this
/// is added to at once, and the loss must not be scaled before it is differentiated.
TokenLoss projected_cross_entropy(const torch::Tensor& hidden, const EmbeddingWeights& embedding,
                                  const torch::Tensor& target, const torch::Tensor& weight, double smoothing);

}  // namespace rest
