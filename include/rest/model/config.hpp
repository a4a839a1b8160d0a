#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "rest/core/experiment.hpp"

namespace rest {

enum class NormOrder { pre, post };

/// What tells the quality of a translation, if anything: a head on what the decoder makes of it, teacher-forced
/// (predictor), or on an encoder that reads source and translation as one sequence (joint).
enum class Estimator { none, predictor, joint };

/// Shape of an encoder-decoder Transformer (Vaswani et al. 2017), everything resolved.
struct TransformerConfig {
  std::int64_t vocabulary_size = 0;
  std::int64_t hidden = 0, feed_forward = 0, heads = 0, encoder_layers = 0, decoder_layers = 0;
  double dropout = 0.0;
  NormOrder norm = NormOrder::pre;
  bool share_embeddings = true;  ///< one embedding for source and target; target and projection are always tied

  Estimator estimator = Estimator::none;

  std::int64_t head_dim() const { return hidden / heads; }
};

TransformerConfig make_config(const ModelOptions& options, std::int64_t vocabulary_size);
std::string to_string(Estimator estimator);
nlohmann::json to_json(const TransformerConfig& config);
/// Throws Error naming the key when one is missing or of the wrong type.
TransformerConfig config_from_json(const nlohmann::json& json);

}  // namespace rest
