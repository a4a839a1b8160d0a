#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "rest/model/config.hpp"
#include "rest/model/dropout.hpp"
#include "rest/model/parameters.hpp"

namespace rest {

struct PackedWeight;

/// Says that the backward pass has added what there is to the gradients of a weight and its bias.
struct GradientNotice {
  using Listener = std::function<void(std::size_t parameter)>;
  std::size_t weight = 0;  ///< in layout order; its bias is the next
  std::shared_ptr<Listener> listener = {};

  void send() const {
    if (!listener || !*listener) return;
    (*listener)(weight + 1);
    (*listener)(weight);
  }
};
class ResidualStream;

// Views into the flat buffers of parameters and, where one is bound, of gradients (else undefined).
struct EmbeddingWeights {
  torch::Tensor weight, gradient;        // [vocabulary, hidden]
  std::shared_ptr<PackedWeight> packed;  // copies laid out for products, for as long as the weight does not change
};
struct LinearWeights {
  torch::Tensor weight, bias;  // [out, in], [out]
  torch::Tensor weight_gradient, bias_gradient;
  std::shared_ptr<PackedWeight> packed;
  GradientNotice notice;
};
struct NormWeights {
  torch::Tensor weight, bias;  // [hidden]
  torch::Tensor weight_gradient, bias_gradient;
  GradientNotice notice;
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
/// From rows [rows, estimator_inputs] over pooled ones [sequences, 2 hidden] to [sequences, 2]: bad, good.
struct EstimatorWeights {
  LinearWeights token, pooled, score;
};

/// The encoder-decoder Transformer of section 4 over views into one flat parameter buffer of any floating type.
/// Positions are sinusoidal, the projection is the target embedding, activation ReLU, dropout on embeddings and on each
/// block's output.
class Transformer {
 public:
  /// `parameters` [layout.elements]; the model shares its memory. `gradients` [layout.elements] float32: a buffer that
  /// backward passes add to, for training on the CPU by our own loops; without it gradients are LibTorch's, those of
  /// parameters().
  Transformer(const TransformerConfig& config, const torch::Tensor& parameters, const torch::Tensor& gradients = {});

  /// Whether a gradient buffer can be bound: on the CPU, in float32, and in bfloat16 where the processor multiplies it.
  static bool binds_gradients(const TransformerConfig& config, torch::ScalarType type, torch::Device device);

  const TransformerConfig& config() const { return config_; }
  const ParameterLayout& layout() const { return layout_; }
  /// The views that the model computes with, in layout order: leaves of autograd once requires_grad is set on them.
  std::vector<torch::Tensor>& parameters() { return views_; }
  torch::ScalarType dtype() const { return target_embedding_.weight.scalar_type(); }
  torch::Device device() const { return target_embedding_.weight.device(); }

  /// From now on a backward pass tells `listener` of each parameter whose bound gradient is complete, in layout order,
  /// from the last layers to the first; but not of embeddings(), which are only at its end.
  void hear_gradients(GradientNotice::Listener listener) { *listener_ = std::move(listener); }
  /// Their places in layout order.
  std::vector<std::size_t> embeddings() const;

  /// Gradient checkpointing: of each layer only what goes in is kept for the backward pass, when the layer runs again.
  void recompute_layers(bool recompute) { recomputes_ = recompute; }

  /// To be called when the values of parameters have changed: laid-out copies of them are made anew.
  void parameters_changed();

  /// pieces [source rows] int64, each source with the end piece last -> memory [source rows, hidden]
  torch::Tensor encode(const torch::Tensor& pieces, const Sequences& sources, Dropout& dropout) const;

  /// Teacher forcing. pieces [target rows] int64, each target starting with the begin piece -> [target rows, hidden],
  /// ready for project().
  torch::Tensor decode(const torch::Tensor& pieces, const Sequences& targets, const torch::Tensor& memory,
                       const Sequences& sources, const Readers& readers, Dropout& dropout) const;

  /// [rows, hidden] -> logits [rows, vocabulary], in dtype().
  torch::Tensor project(const torch::Tensor& hidden) const { return torch::linear(hidden, target_embedding_.weight); }

  /// An attention: of layer `layer`, from the projected rows to what it makes of them [rows, hidden].
  using Attention = std::function<torch::Tensor(std::size_t layer, const torch::Tensor& projected)>;
  /// The decoder's layers without dropout, attention being the caller's: for sampling over a prefix tree. x [rows,
  /// hidden] embedded; `self` is given qkv [rows, 3 hidden], `cross` the query [rows, hidden].
  torch::Tensor decoder_layers(const torch::Tensor& x, const Attention& self, const Attention& cross) const;

  /// Embedded target pieces at given positions, all below `length`: tokens, positions [rows] int64 -> [rows, hidden].
  torch::Tensor embed_target(const torch::Tensor& tokens, const torch::Tensor& positions, std::int64_t length) const;
  const std::vector<DecoderLayer>& decoder() const { return decoder_; }
  const EmbeddingWeights& target_embedding() const { return target_embedding_; }
  const NormWeights& decoder_norm() const { return decoder_norm_; }
  const EstimatorWeights& estimator() const { return estimator_; }

 private:
  torch::Tensor position_table(std::int64_t length) const;
  torch::Tensor embedded(const EmbeddingWeights& table, const torch::Tensor& pieces, const Sequences& rows,
                         Dropout& dropout) const;
  template <class Blocks>
  void add_layer(ResidualStream& stream, const torch::Tensor& input, Blocks blocks) const;
  static void add_decoder_layer(ResidualStream& stream, const DecoderLayer& layer,
                                const std::function<torch::Tensor(const torch::Tensor&)>& self,
                                const std::function<torch::Tensor(const torch::Tensor&)>& cross);

  TransformerConfig config_;
  ParameterLayout layout_;
  std::vector<torch::Tensor> views_;
  EmbeddingWeights target_embedding_, source_embedding_;
  std::vector<std::shared_ptr<PackedWeight>> packed_;  // of all weights
  std::vector<EncoderLayer> encoder_;
  std::vector<DecoderLayer> decoder_;
  NormWeights encoder_norm_, decoder_norm_;
  EstimatorWeights estimator_;  // where there is one
  std::shared_ptr<GradientNotice::Listener> listener_ = std::make_shared<GradientNotice::Listener>();
  bool recomputes_ = false;
  torch::Tensor positions_;  // [prepared positions, hidden]
};

}  // namespace rest
