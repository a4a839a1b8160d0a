#include "source_memory.hpp"

#include <algorithm>

#include "rest/text/tokenizer.hpp"

namespace rest {

std::vector<SourceMemory> encode_sources(const Transformer& model, const std::vector<Span<const Token>>& sources) {
  const auto count = static_cast<std::int64_t>(sources.size());
  std::size_t longest = 0;
  for (const auto& source : sources) longest = std::max(longest, source.size());
  const std::int64_t padded =
      (static_cast<std::int64_t>(longest) / attention_padding + 1) * attention_padding;  // the end piece counted

  torch::Tensor pieces = torch::full({count, padded}, std::int64_t{Tokenizer::pad}, torch::kInt64);
  torch::Tensor mask = torch::zeros({count, 1, 1, padded}, torch::kBool);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto& source = sources[static_cast<std::size_t>(i)];
    std::int64_t* const row = pieces.data_ptr<std::int64_t>() + i * padded;
    std::copy(source.begin(), source.end(), row);
    row[source.size()] = Tokenizer::end;
    bool* const shown = mask.data_ptr<bool>() + i * padded;
    std::fill(shown, shown + source.size() + 1, true);
  }

  Dropout no_dropout;
  const torch::Tensor memory = model.encode(pieces.to(model.device()), mask.to(model.device()), no_dropout);
  const TransformerConfig& config = model.config();
  auto layers = std::make_shared<std::vector<SourceKeyValues>>();
  for (const auto& layer : model.decoder_layers()) {
    const torch::Tensor key_value = layer.cross_attention.key_value(memory)
                                        .to(attention_type(model))
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
