#include "source_memory.hpp"

#include <algorithm>

#include "rest/text/tokenizer.hpp"

namespace rest {

std::vector<SourceMemory> encode_sources(const Transformer& model, const std::vector<Span<const Token>>& sources) {
  const auto count = static_cast<std::int64_t>(sources.size());
  std::vector<std::int64_t> lengths, pieces;
  for (const auto& source : sources) {
    lengths.push_back(static_cast<std::int64_t>(source.size()) + 1);
    pieces.insert(pieces.end(), source.begin(), source.end());
    pieces.push_back(Tokenizer::end);
  }
  const Sequences rows = make_sequences(lengths, std::vector<std::uint64_t>(sources.size())).to(model.device());
  const std::int64_t padded = (rows.longest() - 1) / attention_padding * attention_padding + attention_padding;

  Dropout no_dropout;
  const torch::Tensor memory = model.encode(torch::tensor(pieces, torch::kInt64).to(model.device()), rows, no_dropout);
  const torch::Tensor slots = rows.slots.sub(rows.positions).div(rows.longest(), "trunc") * padded + rows.positions;
  const TransformerConfig& config = model.config();
  auto layers = std::make_shared<std::vector<SourceKeyValues>>();
  for (const auto& layer : model.decoder()) {
    const auto& project = layer.cross_attention.key_value;
    const torch::Tensor projected = torch::linear(memory, project.weight, project.bias).to(attention_type(model));
    const torch::Tensor key_value = torch::zeros({count * padded, projected.size(1)}, projected.options())
                                        .index_copy(0, slots, projected)
                                        .view({count, padded, 2, config.heads, config.head_dim()});
    layers->push_back({key_value.select(2, 0).permute({0, 2, 3, 1}).contiguous(),
                       key_value.select(2, 1).permute({0, 2, 1, 3}).contiguous()});
  }
  std::vector<SourceMemory> memories;
  for (std::int64_t i = 0; i < count; ++i) {
    memories.push_back({layers, i, static_cast<std::int64_t>(sources[static_cast<std::size_t>(i)].size()) + 1});
  }
  return memories;
}

}  // namespace rest
