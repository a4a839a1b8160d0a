#include "rest/model/parameters.hpp"

#include <cmath>

#include "rest/core/philox.hpp"

namespace rest {
namespace {

class LayoutBuilder {
 public:
  using Kind = ParameterSpec::Kind;
  explicit LayoutBuilder(const TransformerConfig& config) : config_(config) {}

  void add(const std::string& name, std::vector<std::int64_t> shape, Kind kind) {
    std::int64_t elements = 1;
    for (const auto extent : shape) elements *= extent;
    layout_.specs.push_back({name, std::move(shape), kind, layout_.elements, elements});
    layout_.elements += (elements + 15) / 16 * 16;
  }
  void linear(const std::string& name, std::int64_t out, std::int64_t in) {
    add(name + ".weight", {out, in}, Kind::matrix);
    add(name + ".bias", {out}, Kind::bias);
  }
  void norm(const std::string& name) {
    add(name + ".weight", {config_.hidden}, Kind::norm_scale);
    add(name + ".bias", {config_.hidden}, Kind::bias);
  }
  void self_attention(const std::string& name) {
    linear(name + ".qkv", 3 * config_.hidden, config_.hidden);
    linear(name + ".out", config_.hidden, config_.hidden);
    norm(name + ".norm");
  }
  void cross_attention(const std::string& name) {
    linear(name + ".query", config_.hidden, config_.hidden);
    linear(name + ".key_value", 2 * config_.hidden, config_.hidden);
    linear(name + ".out", config_.hidden, config_.hidden);
    norm(name + ".norm");
  }
  void feed_forward(const std::string& name) {
    linear(name + ".in", config_.feed_forward, config_.hidden);
    linear(name + ".out", config_.hidden, config_.feed_forward);
    norm(name + ".norm");
  }
  ParameterLayout take() { return std::move(layout_); }

 private:
  const TransformerConfig& config_;
  ParameterLayout layout_;
};

}  // namespace

std::int64_t estimator_inputs(const TransformerConfig& config) {
  return config.hidden + (config.estimator == Estimator::predictor ? predictor_features : 0);
}

ParameterLayout make_layout(const TransformerConfig& config) {
  using Kind = ParameterSpec::Kind;
  LayoutBuilder build(config);
  build.add("target_embedding", {config.vocabulary_size, config.hidden}, Kind::embedding);
  if (!config.share_embeddings) build.add("source_embedding", {config.vocabulary_size, config.hidden}, Kind::embedding);
  for (std::int64_t i = 0; i < config.encoder_layers; ++i) {
    const std::string layer = "encoder." + std::to_string(i);
    build.self_attention(layer + ".self_attention");
    build.feed_forward(layer + ".feed_forward");
  }
  if (config.norm == NormOrder::pre) build.norm("encoder.norm");
  for (std::int64_t i = 0; i < config.decoder_layers; ++i) {
    const std::string layer = "decoder." + std::to_string(i);
    build.self_attention(layer + ".self_attention");
    build.cross_attention(layer + ".cross_attention");
    build.feed_forward(layer + ".feed_forward");
  }
  if (config.norm == NormOrder::pre && config.decoder_layers > 0) build.norm("decoder.norm");
  if (config.estimator != Estimator::none) {
    build.linear("estimator.token", config.hidden, estimator_inputs(config));
    build.linear("estimator.pooled", config.hidden, 2 * config.hidden);
    build.linear("estimator.score", 2, config.hidden);
  }
  return build.take();
}

std::vector<torch::Tensor> parameter_views(const ParameterLayout& layout, const torch::Tensor& flat) {
  std::vector<torch::Tensor> views;
  views.reserve(layout.specs.size());
  for (const auto& spec : layout.specs) views.push_back(flat.narrow(0, spec.offset, spec.elements).view(spec.shape));
  return views;
}

torch::Tensor initial_parameters(const ParameterLayout& layout, std::uint64_t seed) {
  constexpr double two_pi = 6.283185307179586;
  torch::Tensor flat = torch::zeros({layout.elements}, torch::kFloat32);
  float* values = flat.data_ptr<float>();
  for (std::size_t p = 0; p < layout.specs.size(); ++p) {
    const ParameterSpec& spec = layout.specs[p];
    const Philox draw(Purpose::initialise, seed, p);
    float* const first = values + spec.offset;
    const auto uniform = [&](std::int64_t i) {
      return draw.uniform(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32));
    };
    switch (spec.kind) {
      case ParameterSpec::Kind::embedding: {
        const double deviation = 1.0 / std::sqrt(static_cast<double>(spec.shape[1]));
        for (std::int64_t i = 0; i < spec.elements; ++i) {  // Box-Muller, two uniforms an element
          const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform(2 * i)));
          first[i] = static_cast<float>(deviation * radius * std::cos(two_pi * uniform(2 * i + 1)));
        }
        break;
      }
      case ParameterSpec::Kind::matrix: {
        const double bound = std::sqrt(6.0 / static_cast<double>(spec.shape[0] + spec.shape[1]));
        for (std::int64_t i = 0; i < spec.elements; ++i)
          first[i] = static_cast<float>(bound * (2.0 * uniform(i) - 1.0));
        break;
      }
      case ParameterSpec::Kind::norm_scale:
        std::fill(first, first + spec.elements, 1.0f);
        break;
      case ParameterSpec::Kind::bias:
        break;
    }
  }
  return flat;
}

}  // namespace rest
