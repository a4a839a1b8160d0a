#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "rest/model/config.hpp"
#include "rest/model/dropout.hpp"
#include "rest/model/parameters.hpp"

namespace rest {

struct LinearWeights {
  torch::Tensor weight, bias;  // [out, in], [out]
  torch::Tensor operator()(const torch::Tensor& x) const { return torch::linear(x, weight, bias); }
};
struct NormWeights {
  torch::Tensor weight, bias;  // [hidden]
  torch::Tensor operator()(const torch::Tensor& x) const {
    return torch::layer_norm(x, weight.sizes(), weight, bias, 1e-5, false);
  }
};
struct SelfAttentionWeights {
  LinearWeights qkv, out;  // qkv [3 hidden, hidden]: query, key, value
  NormWeights norm;
};
struct CrossAttentionWeights {
  LinearWeights query, key_value, out;  // key_value [2 hidden, hidden]
  NormWeights norm;
};
struct FeedForwardWeights {
  LinearWeights in, out;
  NormWeights norm;
};
struct EncoderLayer {
  SelfAttentionWeights self_attention;
  FeedForwardWeights feed_forward;
};
struct DecoderLayer {
  SelfAttentionWeights self_attention;
  CrossAttentionWeights cross_attention;
  FeedForwardWeights feed_forward;
};

/// Residual block around `body` (pre-norm: x + drop(body(norm(x))); post-norm: norm(x + drop(body(x)))).
template <class Body>
torch::Tensor residual(NormOrder order, const NormWeights& norm, const torch::Tensor& x, Dropout& dropout, Body body) {
  if (order == NormOrder::pre) return x + dropout(body(norm(x)));
  return norm(x + dropout(body(x)));
}

/// The encoder-decoder Transformer of section 4 over views into one flat parameter buffer of any floating type.
/// Positions are sinusoidal, the projection is the target embedding, activation ReLU, dropout on embeddings and on each
/// block's output.
class Transformer {
 public:
  /// `parameters` [layout.elements]; the model shares its memory.
  Transformer(const TransformerConfig& config, const torch::Tensor& parameters);

  const TransformerConfig& config() const { return config_; }
  const ParameterLayout& layout() const { return layout_; }
  /// The views that the model computes with, in layout order: leaves of autograd once requires_grad is set on them.
  std::vector<torch::Tensor>& parameters() { return views_; }
  torch::ScalarType dtype() const { return target_embedding_.scalar_type(); }
  torch::Device device() const { return target_embedding_.device(); }

  /// source [batch, length] int64 with the end piece last and pad behind; mask [batch, 1, 1, length] bool, true where
  /// there is a token. -> memory [batch, length, hidden]
  torch::Tensor encode(const torch::Tensor& source, const torch::Tensor& mask, Dropout& dropout) const;

  /// Teacher forcing. target [batch, length] int64 starting with the begin piece -> [batch, length, hidden], ready for
  /// project().
  torch::Tensor decode(const torch::Tensor& target, const torch::Tensor& memory, const torch::Tensor& mask,
                       Dropout& dropout) const;

  /// [rows, hidden] -> logits [rows, vocabulary], in dtype().
  torch::Tensor project(const torch::Tensor& hidden) const { return torch::linear(hidden, target_embedding_); }

  /// One decoder layer, the attention itself being the caller's: over padded batches when training, over the prefix
  /// tree when sampling. x [..., hidden]; self(qkv [..., 3 hidden]) and cross(query [..., hidden]) -> [..., hidden].
  template <class Self, class Cross>
  torch::Tensor decoder_layer(const DecoderLayer& layer, torch::Tensor x, Dropout& dropout, Self self,
                              Cross cross) const {
    x = residual(config_.norm, layer.self_attention.norm, x, dropout,
                 [&](const torch::Tensor& in) { return layer.self_attention.out(self(layer.self_attention.qkv(in))); });
    x = residual(config_.norm, layer.cross_attention.norm, x, dropout, [&](const torch::Tensor& in) {
      return layer.cross_attention.out(cross(layer.cross_attention.query(in)));
    });
    return feed_forward(layer.feed_forward, x, dropout);
  }

  /// Embedded target pieces at given positions, all below `length`: tokens, positions [rows] int64 -> [rows, hidden].
  torch::Tensor embed_target(const torch::Tensor& tokens, const torch::Tensor& positions, std::int64_t length) const;
  /// The norm behind the last decoder layer (pre-norm; identity for post-norm).
  torch::Tensor finish_decoder(const torch::Tensor& x) const;
  const std::vector<DecoderLayer>& decoder_layers() const { return decoder_; }
  const torch::Tensor& target_embedding() const { return target_embedding_; }
  const NormWeights& decoder_norm() const { return decoder_norm_; }

 private:
  torch::Tensor feed_forward(const FeedForwardWeights& weights, const torch::Tensor& x, Dropout& dropout) const;
  torch::Tensor embed(const torch::Tensor& table, const torch::Tensor& tokens, Dropout& dropout) const;
  torch::Tensor split_heads(const torch::Tensor& x) const;
  torch::Tensor merge_heads(const torch::Tensor& x) const;
  torch::Tensor position_table(std::int64_t length) const;

  TransformerConfig config_;
  ParameterLayout layout_;
  std::vector<torch::Tensor> views_;
  torch::Tensor target_embedding_, source_embedding_;
  std::vector<EncoderLayer> encoder_;
  std::vector<DecoderLayer> decoder_;
  NormWeights encoder_norm_, decoder_norm_;
  torch::Tensor positions_;  // [prepared positions, hidden]
};

}  // namespace rest
