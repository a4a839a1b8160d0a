#pragma once

#include <torch/types.h>

#include <memory>
#include <vector>

#include "rest/core/ragged.hpp"
#include "rest/model/transformer.hpp"

namespace rest {

/// float64 models are attended in float64, all others in float32.
inline torch::ScalarType attention_type(torch::ScalarType model) {
  return model == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
}

/// What the decoder looks at of one source: keys and values of each decoder layer, shared with its encoding group.
struct SourceMemory {
  std::shared_ptr<const std::vector<torch::Tensor>> layers;  // each [group, padded length, 2 hidden]
  std::int64_t index;                                        ///< within the group
  std::int64_t length;                                       ///< end piece included

  template <class Real>
  const Real* key_values(std::size_t layer) const {
    const torch::Tensor& all = (*layers)[layer];
    return all.data_ptr<Real>() + index * all.stride(0);
  }
};

/// Encodes sources as one padded batch, each with the end piece behind it.
std::vector<SourceMemory> encode_sources(const Transformer& model, const std::vector<Span<const Token>>& sources);

}  // namespace rest
