#include "functions.hpp"

#include <torch/torch.h>

#include "native/native_functions.hpp"

namespace rest {
namespace {

torch::Tensor dropped(const torch::Tensor& x, const DropoutSite& site) {
  return site.probability > 0.0 ? x * site.mask(x.size(1)).to(x.scalar_type()) : x;
}

/// [rows, features] -> [sequences, heads, longest, head_dim], 0 where there is no row.
torch::Tensor padded_heads(const torch::Tensor& rows, const Sequences& sequences, std::int64_t heads) {
  const std::int64_t longest = sequences.longest(), features = rows.size(1);
  return torch::zeros({sequences.size() * longest, features}, rows.options())
      .index_copy(0, sequences.slots, rows)
      .view({sequences.size(), longest, heads, features / heads})
      .transpose(1, 2);
}

/// [sequences, 1, 1, longest]: where there is a row.
torch::Tensor shown(const Sequences& sequences) {
  return torch::zeros({sequences.size() * sequences.longest()}, sequences.slots.options().dtype(torch::kBool))
      .index_fill(0, sequences.slots, 1)
      .view({sequences.size(), 1, 1, sequences.longest()});
}

/// padded_heads() back.
torch::Tensor rows_of(const torch::Tensor& heads, const Sequences& sequences) {
  return heads.transpose(1, 2).flatten(2).flatten(0, 1).index_select(0, sequences.slots);
}

}  // namespace

torch::Tensor linear(const LinearWeights& weights, const torch::Tensor& x) {
  if (native::serves(x, weights.weight, weights.weight_gradient)) return native::linear(weights, x);
  return torch::linear(x, weights.weight, weights.bias);
}

torch::Tensor feed_forward(const LinearWeights& in, const LinearWeights& out, const torch::Tensor& x) {
  if (native::serves(x, in.weight, in.weight_gradient)) return native::feed_forward(in, out, x);
  return linear(out, torch::relu(linear(in, x)));
}

SumAndNorm add_norm(const torch::Tensor& x, const torch::Tensor& y, const NormWeights& norm, const DropoutSite& site) {
  if (native::serves(x, norm.weight, norm.weight_gradient)) return native::add_norm(x, y, norm, site);
  const torch::Tensor sum = y.defined() ? x + dropped(y, site) : x;
  return {sum, torch::layer_norm(sum, norm.weight.sizes(), norm.weight, norm.bias, norm_epsilon, false)};
}

torch::Tensor embed(const EmbeddingWeights& embedding, const torch::Tensor& pieces, const torch::Tensor& positions,
                    const torch::Tensor& table, const DropoutSite& site) {
  if (native::serves(embedding.weight, embedding.weight, embedding.gradient)) {
    return native::embed(embedding, pieces, positions, table, site);
  }
  const double scale = std::sqrt(static_cast<double>(embedding.weight.size(1)));
  return dropped(torch::embedding(embedding.weight, pieces) * scale + table.index_select(0, positions), site);
}

torch::Tensor self_attention(const torch::Tensor& qkv, const Sequences& sequences, std::int64_t heads, Sight sight) {
  if (native::serves(qkv, {}, {})) return native::self_attention(qkv, sequences, heads, sight);
  const auto parts = qkv.chunk(3, -1);
  const auto padded = [&](std::size_t i) { return padded_heads(parts[i], sequences, heads); };
  const bool causal = sight == Sight::up_to_itself;  // rows see no padding then, which is behind them
  return rows_of(at::scaled_dot_product_attention(padded(0), padded(1), padded(2),
                                                  causal ? std::nullopt : std::optional(shown(sequences)), 0.0, causal),
                 sequences);
}

torch::Tensor cross_attention(const torch::Tensor& query, const torch::Tensor& key_value, const Sequences& targets,
                              const Sequences& sources, const Readers& readers, std::int64_t heads) {
  if (native::serves(query, {}, {})) {
    return native::cross_attention(query, key_value, targets, sources, readers, heads);
  }
  const auto parts = key_value.chunk(2, -1);
  const auto read = [&](const torch::Tensor& part) {
    return padded_heads(part, sources, heads).index_select(0, readers.source);
  };
  return rows_of(at::scaled_dot_product_attention(padded_heads(query, targets, heads), read(parts[0]), read(parts[1]),
                                                  shown(sources).index_select(0, readers.source)),
                 targets);
}

}  // namespace rest
