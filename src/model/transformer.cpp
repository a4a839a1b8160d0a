#include "rest/model/transformer.hpp"

#include <cmath>

#include "rest/core/error.hpp"

namespace rest {
namespace {

/// Hands out views in layout order.
class ViewReader {
 public:
  explicit ViewReader(const std::vector<torch::Tensor>& views) : views_(views) {}
  torch::Tensor tensor() { return views_.at(next_++); }
  LinearWeights linear() {
    auto weight = tensor();
    return {weight, tensor()};
  }
  NormWeights norm() {
    auto weight = tensor();
    return {weight, tensor()};
  }
  SelfAttentionWeights self_attention() {
    auto qkv = linear(), out = linear();
    return {qkv, out, norm()};
  }
  CrossAttentionWeights cross_attention() {
    auto query = linear(), key_value = linear(), out = linear();
    return {query, key_value, out, norm()};
  }
  FeedForwardWeights feed_forward() {
    auto in = linear(), out = linear();
    return {in, out, norm()};
  }

 private:
  const std::vector<torch::Tensor>& views_;
  std::size_t next_ = 0;
};

constexpr std::int64_t prepared_positions = 1024;

/// Sinusoidal positions [length, hidden]: sines in the first half, cosines in the second (Vaswani et al. 2017, 3.5).
torch::Tensor sinusoids(std::int64_t length, std::int64_t hidden) {
  const auto double_options = torch::TensorOptions(torch::kFloat64);
  const auto frequency =
      torch::exp(torch::arange(0, hidden, 2, double_options) * (-std::log(10000.0) / static_cast<double>(hidden)));
  const auto angle = torch::arange(length, double_options).unsqueeze(1) * frequency;  // [length, hidden / 2]
  return torch::cat({angle.sin(), angle.cos().narrow(1, 0, hidden / 2)}, 1);
}

}  // namespace

Transformer::Transformer(const TransformerConfig& config, const torch::Tensor& parameters)
    : config_(config), layout_(make_layout(config)) {
  if (parameters.dim() != 1 || parameters.size(0) != layout_.elements) {
    throw Error(concat("the model needs ", layout_.elements, " parameters, not ", parameters.numel()));
  }
  views_ = parameter_views(layout_, parameters);
  for (auto& view : views_) view = view.detach();  // leaves of their own
  ViewReader read(views_);
  target_embedding_ = read.tensor();
  source_embedding_ = config.share_embeddings ? target_embedding_ : read.tensor();
  for (std::int64_t i = 0; i < config.encoder_layers; ++i) {
    auto attention = read.self_attention();
    encoder_.push_back({attention, read.feed_forward()});
  }
  if (config.norm == NormOrder::pre) encoder_norm_ = read.norm();
  for (std::int64_t i = 0; i < config.decoder_layers; ++i) {
    auto self = read.self_attention();
    auto cross = read.cross_attention();
    decoder_.push_back({self, cross, read.feed_forward()});
  }
  if (config.norm == NormOrder::pre) decoder_norm_ = read.norm();
  positions_ = sinusoids(prepared_positions, config.hidden).to(dtype()).to(device());
}

torch::Tensor Transformer::position_table(std::int64_t length) const {
  if (length <= prepared_positions) return positions_.narrow(0, 0, length);
  return sinusoids(length, config_.hidden).to(dtype()).to(device());
}

torch::Tensor Transformer::embed(const torch::Tensor& table, const torch::Tensor& tokens, Dropout& dropout) const {
  const auto x = torch::embedding(table, tokens) * std::sqrt(static_cast<double>(config_.hidden));
  return dropout(x + position_table(tokens.size(1)));
}

torch::Tensor Transformer::embed_target(const torch::Tensor& tokens, const torch::Tensor& positions,
                                        std::int64_t length) const {
  return torch::embedding(target_embedding_, tokens) * std::sqrt(static_cast<double>(config_.hidden)) +
         position_table(length).index_select(0, positions);
}

torch::Tensor Transformer::split_heads(const torch::Tensor& x) const {  // [b, l, h] -> [b, heads, l, head_dim]
  return x.view({x.size(0), x.size(1), config_.heads, config_.head_dim()}).transpose(1, 2);
}

torch::Tensor Transformer::merge_heads(const torch::Tensor& x) const {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), config_.hidden});
}

torch::Tensor Transformer::feed_forward(const FeedForwardWeights& weights, const torch::Tensor& x,
                                        Dropout& dropout) const {
  return residual(config_.norm, weights.norm, x, dropout,
                  [&](const torch::Tensor& in) { return weights.out(torch::relu(weights.in(in))); });
}

torch::Tensor Transformer::encode(const torch::Tensor& source, const torch::Tensor& mask, Dropout& dropout) const {
  torch::Tensor x = embed(source_embedding_, source, dropout);
  for (const auto& layer : encoder_) {
    x = residual(config_.norm, layer.self_attention.norm, x, dropout, [&](const torch::Tensor& in) {
      const auto qkv = layer.self_attention.qkv(in).chunk(3, -1);
      return layer.self_attention.out(merge_heads(
          at::scaled_dot_product_attention(split_heads(qkv[0]), split_heads(qkv[1]), split_heads(qkv[2]), mask)));
    });
    x = feed_forward(layer.feed_forward, x, dropout);
  }
  return config_.norm == NormOrder::pre ? encoder_norm_(x) : x;
}

torch::Tensor Transformer::decode(const torch::Tensor& target, const torch::Tensor& memory, const torch::Tensor& mask,
                                  Dropout& dropout) const {
  torch::Tensor x = embed(target_embedding_, target, dropout);
  for (const auto& layer : decoder_) {
    const auto self = [&](const torch::Tensor& projected) {
      const auto qkv = projected.chunk(3, -1);
      return merge_heads(at::scaled_dot_product_attention(split_heads(qkv[0]), split_heads(qkv[1]), split_heads(qkv[2]),
                                                          {}, 0.0, /*is_causal=*/true));
    };
    const auto cross = [&](const torch::Tensor& query) {
      const auto key_value = layer.cross_attention.key_value(memory).chunk(2, -1);
      return merge_heads(at::scaled_dot_product_attention(split_heads(query), split_heads(key_value[0]),
                                                          split_heads(key_value[1]), mask));
    };
    x = decoder_layer(layer, x, dropout, self, cross);
  }
  return finish_decoder(x);
}

torch::Tensor Transformer::finish_decoder(const torch::Tensor& x) const {
  return config_.norm == NormOrder::pre ? decoder_norm_(x) : x;
}

}  // namespace rest
