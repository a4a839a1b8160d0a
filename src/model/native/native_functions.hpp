#pragma once

#include "../functions.hpp"

/// The functions of functions.hpp for the CPU in float32 and bfloat16.
namespace rest::native {

/// Whether these can take rows of so many features of a type.
bool serves(torch::ScalarType type, std::int64_t features);
/// Whether these can take `x`; `gradient` is the bound gradient buffer of a parameter.
bool serves(const torch::Tensor& x, const torch::Tensor& parameter, const torch::Tensor& gradient);

torch::Tensor linear(const LinearWeights& weights, const torch::Tensor& x);
torch::Tensor feed_forward(const LinearWeights& in, const LinearWeights& out, const torch::Tensor& x);
SumAndNorm add_norm(const torch::Tensor& x, const torch::Tensor& y, const NormWeights& norm, const DropoutSite& site);
torch::Tensor embed(const EmbeddingWeights& embedding, const torch::Tensor& pieces, const torch::Tensor& positions,
                    const torch::Tensor& table, const DropoutSite& site);
torch::Tensor self_attention(const torch::Tensor& qkv, const Sequences& sequences, std::int64_t heads, Sight sight);
torch::Tensor cross_attention(const torch::Tensor& query, const torch::Tensor& key_value, const Sequences& targets,
                              const Sequences& sources, const Readers& readers, std::int64_t heads);

}  // namespace rest::native
