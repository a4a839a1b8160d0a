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

/// Whether LibTorch's flash attention, which needs no padding, can take [rows, heads * head_dim].
bool flash_serves(const torch::Tensor& x, std::int64_t features, std::int64_t heads) {
  const std::int64_t head_dim = features / heads;
  return x.is_cuda() && x.scalar_type() == torch::kBFloat16 && head_dim % 8 == 0 && head_dim <= 256;
}

/// Groups of rows end to end: those of group g are starts[g] ... starts[g + 1], `longest` at most.
struct RowGroups {
  torch::Tensor rows, starts;  // [rows, features]; [groups + 1] int32
  std::int64_t longest;
};

/// Each group of queries attends to the group of keys and values of its number -> [queries, features].
torch::Tensor flash_attention(const RowGroups& query, const RowGroups& key, const torch::Tensor& value,
                              std::int64_t heads, bool causal) {
  const auto by_head = [&](const torch::Tensor& rows) { return rows.unflatten(1, {heads, -1}); };
  const auto result = at::_flash_attention_forward(by_head(query.rows), by_head(key.rows), by_head(value), query.starts,
                                                   key.starts, query.longest, key.longest, 0.0, causal, false);
  return std::get<0>(result).flatten(1);
}

/// Rows of all targets that read the same source, which are neighbours.
std::int64_t longest_group(const Sequences& targets, const Readers& readers) {
  std::int64_t longest = 0;
  for (std::size_t s = 0; s + 1 < readers.first.size(); ++s) {
    const auto start = [&](std::size_t i) { return targets.starts[static_cast<std::size_t>(readers.first[i])]; };
    longest = std::max(longest, start(s + 1) - start(s));
  }
  return longest;
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
  if (flash_serves(qkv, qkv.size(1) / 3, heads)) {
    const RowGroups query{parts[0], sequences.row_starts, sequences.longest()};
    return flash_attention(query, {parts[1], query.starts, query.longest}, parts[2], heads,
                           sight == Sight::up_to_itself);
  }
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
  if (flash_serves(query, query.size(1), heads)) {
    const torch::Tensor starts = targets.row_starts.index_select(0, readers.first_targets);
    return flash_attention({query, starts, longest_group(targets, readers)},
                           {parts[0], sources.row_starts, sources.longest()}, parts[1], heads, false);
  }
  const auto read = [&](const torch::Tensor& part) {
    return padded_heads(part, sources, heads).index_select(0, readers.source);
  };
  return rows_of(at::scaled_dot_product_attention(padded_heads(query, targets, heads), read(parts[0]), read(parts[1]),
                                                  shown(sources).index_select(0, readers.source)),
                 targets);
}

}  // namespace rest
