#pragma once

#include <torch/types.h>

#include "rest/model/transformer.hpp"

namespace rest {

/// What a policy thinks of each piece that a translation goes on with: its log-probability, the entropy of what it
/// expects (nats), and how far the log-probability is below that of the most likely piece. hidden [rows, hidden] of
/// decode(), pieces [rows] int64 -> [rows, 3] float32, without a gradient. Logits exist for a block of rows at a time.
torch::Tensor thoughts(const Transformer& model, const torch::Tensor& hidden, const torch::Tensor& pieces);

}  // namespace rest
