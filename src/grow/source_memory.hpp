#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "attention.hpp"
#include "rest/core/ragged.hpp"
#include "rest/model/transformer.hpp"

namespace rest {

/// float64 models are attended in float64, all others in float32.
inline torch::ScalarType attention_type(torch::ScalarType model) {
  return model == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
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
