#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "rest/grow/generator.hpp"
#include "rest/model/policy.hpp"
#include "rest/model/transformer.hpp"

namespace rest::grow_test {

inline TransformerConfig small_config(NormOrder norm = NormOrder::pre) {
  TransformerConfig config;
  config.vocabulary_size = 37;
  config.hidden = 24;
  config.feed_forward = 40;
  config.heads = 4;  // head_dim 6: not a whole vector
  config.encoder_layers = config.decoder_layers = 2;
  config.norm = norm;
  return config;
}

/// Random weights, with matrices larger than a fresh model's: next pieces depend on what was read, and some are likely,
/// the end piece among them, so that samples meet and end.
inline torch::Tensor random_parameters(const TransformerConfig& config) {
  const ParameterLayout layout = make_layout(config);
  torch::Tensor flat = initial_parameters(layout, 11);
  flat += 0.05 * torch::sin(torch::arange(layout.elements));  // biases and norms too
  for (const ParameterSpec& spec : layout.specs) {
    if (spec.kind == ParameterSpec::Kind::matrix) flat.narrow(0, spec.offset, spec.elements).mul_(3.0);
  }
  const torch::Tensor embedding = flat.narrow(0, 0, config.vocabulary_size * config.hidden).view({-1, config.hidden});
  embedding.slice(0, 0, config.vocabulary_size, 3).mul_(2.0);
  return flat;
}

inline Transformer random_model(const TransformerConfig& config, torch::ScalarType type) {
  return Transformer(config, random_parameters(config).to(type));
}

inline Policy random_policy(const TransformerConfig& config) { return {config, random_parameters(config), "", ""}; }

/// Sources of unequal lengths with targets, the pieces of each in memory of its own.
class Sources {
 public:
  explicit Sources(std::size_t count, Token vocabulary_size = 37) {
    for (std::size_t i = 0; i < count; ++i) {
      pieces_.push_back({});
      for (std::size_t j = 0; j < 2 + (5 * i) % 7; ++j) pieces_.back().push_back(piece(17 * i + j, vocabulary_size));
      targets_.push_back({});
      for (std::size_t j = 0; j < 1 + (3 * i) % 5; ++j) targets_.back().push_back(piece(29 * i + j, vocabulary_size));
    }
  }
  std::vector<GenerateSource> all(bool with_originals = true) const {
    std::vector<GenerateSource> sources;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      sources.push_back({pieces_[i], 1000 + i, with_originals ? targets_[i] : Span<const Token>(), with_originals});
    }
    return sources;
  }
  std::vector<Token>& target(std::size_t i) { return targets_[i]; }

 private:
  static Token piece(std::size_t i, Token vocabulary_size) {
    return 4 + static_cast<Token>((i * 2654435761u >> 7) % (vocabulary_size - 4));
  }
  std::vector<std::vector<Token>> pieces_, targets_;
};

/// Log-probabilities [length + 1, vocabulary] of what follows the begin piece, then each piece: the training path.
inline torch::Tensor teacher_forced(const Transformer& model, Span<const Token> source,
                                    const std::vector<Token>& target) {
  std::vector<std::int64_t> in(source.begin(), source.end()), out{2};
  in.push_back(3);
  out.insert(out.end(), target.begin(), target.end());
  Dropout none;
  const auto rows = [](const std::vector<std::int64_t>& pieces) {
    return make_sequences({static_cast<std::int64_t>(pieces.size())}, {0});
  };
  torch::NoGradGuard no_grad;
  const auto memory = model.encode(torch::tensor(in), rows(in), none);
  const auto hidden = model.decode(torch::tensor(out), rows(out), memory, rows(in), make_readers({1}), none);
  return torch::log_softmax(model.project(hidden), -1);
}

}  // namespace rest::grow_test
