#include "rest/model/transformer.hpp"

#include <cmath>

#include "native/native_functions.hpp"
#include "native/products.hpp"
#include "residual_stream.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

/// Hands out views in layout order.
class ViewReader {
 public:
  ViewReader(const std::vector<torch::Tensor>& values, const std::vector<torch::Tensor>& gradients,
             std::shared_ptr<GradientNotice::Listener> listener)
      : values_(values), gradients_(gradients), listener_(std::move(listener)) {}

  EmbeddingWeights embedding() {
    const auto [weight, gradient] = next();
    return {weight, gradient, packed_weight()};
  }
  LinearWeights linear() {
    const GradientNotice notice{next_, listener_};
    const auto [weight, weight_gradient] = next();
    const auto [bias, bias_gradient] = next();
    return {weight, bias, weight_gradient, bias_gradient, packed_weight(), notice};
  }
  NormWeights norm() {
    const GradientNotice notice{next_, listener_};
    const auto [weight, weight_gradient] = next();
    const auto [bias, bias_gradient] = next();
    return {weight, bias, weight_gradient, bias_gradient, notice};
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
  /// All that were handed out.
  std::vector<std::shared_ptr<PackedWeight>> packed() const { return packed_; }

 private:
  std::pair<torch::Tensor, torch::Tensor> next() {
    const std::size_t i = next_++;
    return {values_.at(i), gradients_.empty() ? torch::Tensor() : gradients_.at(i)};
  }
  std::shared_ptr<PackedWeight> packed_weight() { return packed_.emplace_back(std::make_shared<PackedWeight>()); }

  const std::vector<torch::Tensor>&values_, &gradients_;
  std::shared_ptr<GradientNotice::Listener> listener_;
  std::vector<std::shared_ptr<PackedWeight>> packed_;
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

Transformer::Transformer(const TransformerConfig& config, const torch::Tensor& parameters,
                         const torch::Tensor& gradients)
    : config_(config), layout_(make_layout(config)) {
  if (parameters.dim() != 1 || parameters.size(0) != layout_.elements) {
    throw Error(concat("the model needs ", layout_.elements, " parameters, not ", parameters.numel()));
  }
  views_ = parameter_views(layout_, parameters);
  for (auto& view : views_) view = view.detach();  // leaves of their own
  const auto gradient_views = gradients.defined() ? parameter_views(layout_, gradients) : std::vector<torch::Tensor>();
  ViewReader read(views_, gradient_views, listener_);
  target_embedding_ = read.embedding();
  source_embedding_ = config.share_embeddings ? target_embedding_ : read.embedding();
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
  if (config.norm == NormOrder::pre && config.decoder_layers > 0) decoder_norm_ = read.norm();
  if (config.estimator != Estimator::none) {
    estimator_.token = read.linear();
    estimator_.pooled = read.linear();
    estimator_.score = read.linear();
  }
  packed_ = read.packed();
  positions_ = sinusoids(prepared_positions, config.hidden).to(dtype()).to(device());
}

bool Transformer::binds_gradients(const TransformerConfig& config, torch::ScalarType type, torch::Device device) {
  if (!device.is_cpu()) return false;
  return native::serves(type, config.hidden) && native::serves(type, config.feed_forward);
}

std::vector<std::size_t> Transformer::embeddings() const {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < layout_.specs.size(); ++i) {
    if (layout_.specs[i].kind == ParameterSpec::Kind::embedding) places.push_back(i);
  }
  return places;
}

void Transformer::parameters_changed() {
  for (const auto& packed : packed_) packed->forward.clear(), packed->backward.clear();
}

torch::Tensor Transformer::position_table(std::int64_t length) const {
  if (length <= prepared_positions) return positions_.narrow(0, 0, length);
  return sinusoids(length, config_.hidden).to(dtype()).to(device());
}

torch::Tensor Transformer::embedded(const EmbeddingWeights& table, const torch::Tensor& pieces, const Sequences& rows,
                                    Dropout& dropout) const {
  return embed(table, pieces, rows.positions, position_table(rows.longest()), dropout.next(rows));
}

torch::Tensor Transformer::embed_target(const torch::Tensor& tokens, const torch::Tensor& positions,
                                        std::int64_t length) const {
  return embed(target_embedding_, tokens, positions, position_table(length), {});
}

torch::Tensor Transformer::encode(const torch::Tensor& pieces, const Sequences& sources, Dropout& dropout) const {
  ResidualStream stream(config_.norm, embedded(source_embedding_, pieces, sources, dropout), sources, dropout);
  for (const auto& layer : encoder_) {
    add_layer(stream, {}, [this, &layer, sources](ResidualStream& to, const torch::Tensor&) {
      to.add(layer.self_attention.norm, [&](const torch::Tensor& in) {
        const auto qkv = linear(layer.self_attention.qkv, in);
        return linear(layer.self_attention.out, self_attention(qkv, sources, config_.heads, Sight::all));
      });
      to.add(layer.feed_forward.norm,
             [&](const torch::Tensor& in) { return feed_forward(layer.feed_forward.in, layer.feed_forward.out, in); });
    });
  }
  return stream.finish(encoder_norm_);
}

template <class Blocks>
void Transformer::add_layer(ResidualStream& stream, const torch::Tensor& input, Blocks blocks) const {
  if (recomputes_ && torch::GradMode::is_enabled()) {
    stream.recompute(input, blocks);
  } else {
    blocks(stream, input);
  }
}

void Transformer::add_decoder_layer(ResidualStream& stream, const DecoderLayer& layer,
                                    const std::function<torch::Tensor(const torch::Tensor&)>& self,
                                    const std::function<torch::Tensor(const torch::Tensor&)>& cross) {
  stream.add(layer.self_attention.norm, [&](const torch::Tensor& in) {
    return linear(layer.self_attention.out, self(linear(layer.self_attention.qkv, in)));
  });
  stream.add(layer.cross_attention.norm, [&](const torch::Tensor& in) {
    return linear(layer.cross_attention.out, cross(linear(layer.cross_attention.query, in)));
  });
  stream.add(layer.feed_forward.norm,
             [&](const torch::Tensor& in) { return feed_forward(layer.feed_forward.in, layer.feed_forward.out, in); });
}

torch::Tensor Transformer::decoder_layers(const torch::Tensor& x, const Attention& self, const Attention& cross) const {
  ResidualStream stream(config_.norm, x);
  for (std::size_t i = 0; i < decoder_.size(); ++i) {
    add_decoder_layer(
        stream, decoder_[i], [&](const torch::Tensor& qkv) { return self(i, qkv); },
        [&](const torch::Tensor& query) { return cross(i, query); });
  }
  return stream.finish(decoder_norm_);
}

torch::Tensor Transformer::decode(const torch::Tensor& pieces, const Sequences& targets, const torch::Tensor& memory,
                                  const Sequences& sources, const Readers& readers, Dropout& dropout) const {
  ResidualStream stream(config_.norm, embedded(target_embedding_, pieces, targets, dropout), targets, dropout);
  for (const DecoderLayer& layer : decoder_) {
    add_layer(stream, memory, [this, &layer, targets, sources, readers](ResidualStream& to, const torch::Tensor& read) {
      add_decoder_layer(
          to, layer,
          [&](const torch::Tensor& qkv) { return self_attention(qkv, targets, config_.heads, Sight::up_to_itself); },
          [&](const torch::Tensor& query) {
            return cross_attention(query, linear(layer.cross_attention.key_value, read), targets, sources, readers,
                                   config_.heads);
          });
    });
  }
  return stream.finish(decoder_norm_);
}

}  // namespace rest
