#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "attention.hpp"
#include "rest/core/ragged.hpp"
#include "rest/model/transformer.hpp"

namespace rest {

/// What keys and values are held in where operators attend: the model's type, but float32 for bfloat16 on the CPU.
inline torch::ScalarType attention_type(const Transformer& model) {
  return model.device().is_cpu() && model.dtype() == torch::kBFloat16 ? torch::kFloat32 : model.dtype();
}

/// Of one decoder layer and a group of sources, positions padded to a multiple of attention_padding.
struct SourceKeyValues {
  torch::Tensor keys;    // [group, heads, head_dim, padded]
  torch::Tensor values;  // [group, heads, padded, head_dim]
};

/// What the decoder looks at of one source: keys and values of each decoder layer, shared with its encoding group.
struct SourceMemory {
  std::shared_ptr<const std::vector<SourceKeyValues>> layers;
  std::int64_t index;   ///< within the group
  std::int64_t length;  ///< end piece included

  template <class Real>
  AttendedSource<Real> attended(std::size_t layer) const {
    const auto& [keys, values] = (*layers)[layer];
    return {keys.data_ptr<Real>() + index * keys.stride(0), values.data_ptr<Real>() + index * values.stride(0), length,
            keys.size(3)};
  }
};

/// Encodes sources as one padded batch, each with the end piece behind it.
std::vector<SourceMemory> encode_sources(const Transformer& model, const std::vector<Span<const Token>>& sources);

}  // namespace rest
