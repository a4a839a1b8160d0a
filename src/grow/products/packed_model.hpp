#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "../../model/products/matrix_format.hpp"
#include "../../model/products/packed_matrix.hpp"
#include "../decoder/tree_decoder.hpp"
#include "../heads/projection_head.hpp"
#include "rest/grow/phase_times.hpp"
#include "rest/model/transformer.hpp"

namespace rest {

/// A model's decoder and projection with their weights laid out for the CPU in one precision; shared by all calls.
class PackedModel {
 public:
  virtual ~PackedModel() = default;
  virtual std::unique_ptr<TreeDecoder> decoder(PhaseTimes& times) const = 0;
  /// What SamplingHead defines, without the logits of all pieces in memory.
  virtual std::unique_ptr<ProjectionHead> head(const SamplingOptions& options) const = 0;
};

/// In the model's own type, or with its matrices in int8.
std::shared_ptr<const PackedModel> pack(const Transformer& model, bool int8);

template <class Format>
struct DecoderWeights {
  using Real = typename Format::Real;
  struct Linear {
    PackedMatrix<Format> matrix;
    std::vector<Real> bias;  // [whole blocks of the matrix]
  };
  struct Norm {
    std::vector<Real> weight, bias;  // [hidden]
  };
  struct Layer {
    Linear qkv, self_out, query, cross_out, in, out;
    Norm self_norm, cross_norm, feed_forward_norm;
  };
  TransformerConfig config;
  std::vector<Layer> layers;
  Norm norm;  // of the decoder (pre-norm)
  PackedMatrix<Format> projection;
};

}  // namespace rest
