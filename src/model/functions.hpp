#pragma once

#include <torch/types.h>

#include <cstdint>

#include "rest/model/dropout.hpp"
#include "rest/model/sequences.hpp"
#include "rest/model/transformer.hpp"

namespace rest {

// What a Transformer is made of, forward and backward, over rows without padding. On the CPU in float32 and bfloat16
// by our own loops, which add the gradients of parameters to the buffers bound to them (so these must be bound where
// gradients are wanted); else by LibTorch's operators.

constexpr double norm_epsilon = 1e-5;  ///< added to the variance

/// [rows, in] -> [rows, out]
torch::Tensor linear(const LinearWeights& weights, const torch::Tensor& x);

/// out(relu(in(x))): [rows, hidden] -> [rows, hidden]
torch::Tensor feed_forward(const LinearWeights& in, const LinearWeights& out, const torch::Tensor& x);

struct SumAndNorm {
  torch::Tensor sum, normed;  // [rows, hidden]
};
/// x + drop(y), and its norm; y may be undefined: nothing is added.
SumAndNorm add_norm(const torch::Tensor& x, const torch::Tensor& y, const NormWeights& norm, const DropoutSite& site);

/// drop(sqrt(hidden) embedding[piece] + table[position]): pieces, positions [rows] int64; table [positions, hidden].
torch::Tensor embed(const EmbeddingWeights& embedding, const torch::Tensor& pieces, const torch::Tensor& positions,
                    const torch::Tensor& table, const DropoutSite& site);

enum class Sight { all, up_to_itself };

/// qkv [rows, 3 hidden], query, key and value -> [rows, hidden]: each row attends to its own sequence.
torch::Tensor self_attention(const torch::Tensor& qkv, const Sequences& sequences, std::int64_t heads, Sight sight);

/// query [target rows, hidden], key_value [source rows, 2 hidden] -> [target rows, hidden]: each target row attends to
/// all of the source that its sequence reads.
torch::Tensor cross_attention(const torch::Tensor& query, const torch::Tensor& key_value, const Sequences& targets,
                              const Sequences& sources, const Readers& readers, std::int64_t heads);

}  // namespace rest
