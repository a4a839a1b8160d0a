#include "rest/model/config.hpp"

#include "rest/core/error.hpp"

namespace rest {

TransformerConfig make_config(const ModelOptions& options, std::int64_t vocabulary_size) {
  const ModelOptions resolved = resolve_preset(options);
  TransformerConfig config;
  config.vocabulary_size = vocabulary_size;
  config.hidden = resolved.hidden;
  config.feed_forward = resolved.feed_forward;
  config.heads = resolved.heads;
  config.encoder_layers = resolved.encoder_layers;
  config.decoder_layers = resolved.decoder_layers;
  config.dropout = resolved.dropout;
  config.norm = resolved.norm == "post" ? NormOrder::post : NormOrder::pre;
  config.share_embeddings = resolved.share_embeddings;
  return config;
}

std::string to_string(Estimator estimator) {
  if (estimator == Estimator::predictor) return "predictor";
  return estimator == Estimator::joint ? "joint" : "none";
}

nlohmann::json to_json(const TransformerConfig& config) {
  nlohmann::json json = {{"architecture", "transformer"},
                         {"vocabulary_size", config.vocabulary_size},
                         {"hidden", config.hidden},
                         {"feed_forward", config.feed_forward},
                         {"heads", config.heads},
                         {"encoder_layers", config.encoder_layers},
                         {"decoder_layers", config.decoder_layers},
                         {"dropout", config.dropout},
                         {"norm", config.norm == NormOrder::post ? "post" : "pre"},
                         {"share_embeddings", config.share_embeddings}};
  if (config.estimator != Estimator::none) json["estimator"] = to_string(config.estimator);
  return json;
}

TransformerConfig config_from_json(const nlohmann::json& json) {
  TransformerConfig config;
  try {
    config.vocabulary_size = json.at("vocabulary_size");
    config.hidden = json.at("hidden");
    config.feed_forward = json.at("feed_forward");
    config.heads = json.at("heads");
    config.encoder_layers = json.at("encoder_layers");
    config.decoder_layers = json.at("decoder_layers");
    config.dropout = json.at("dropout");
    config.norm = json.at("norm") == "post" ? NormOrder::post : NormOrder::pre;
    config.share_embeddings = json.at("share_embeddings");
    for (const Estimator each : {Estimator::predictor, Estimator::joint}) {
      if (json.value("estimator", "none") == to_string(each)) config.estimator = each;
    }
  } catch (const nlohmann::json::exception& e) {
    throw Error("the model's configuration is not usable", e.what());
  }
  if (config.heads < 1 || config.hidden < 1 || config.hidden % config.heads != 0 || config.vocabulary_size < 1) {
    throw Error("the model's configuration is not usable", "heads must divide hidden, and all sizes be positive");
  }
  return config;
}

}  // namespace rest
