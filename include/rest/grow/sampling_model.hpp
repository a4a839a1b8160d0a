#pragma once

#include <memory>
#include <string>

#include "rest/model/policy.hpp"
#include "rest/model/transformer.hpp"

namespace rest {

class PackedModel;

/// The policy as a whole in the precision that a SamplingModel has embeddings and norms in: float32 for "int8".
Transformer unpacked_model(const Policy& policy, const std::string& precision);

/// A policy made ready to sample from: on the CPU its decoder's weights are laid out once for the products to come. A
/// value that is cheap to copy.
class SamplingModel {
 public:
  /// In the model's own type.
  SamplingModel(const Transformer& model);  // NOLINT(google-explicit-constructor): a model is one to sample from
  /// In "float32", "bfloat16", "float64", or "int8": the decoder's matrices in int8, the encoder in bfloat16,
  /// embeddings and norms in float32. Throws UsageError where the precision is unknown or not for this processor or
  /// device.
  SamplingModel(const Policy& policy, const std::string& precision);

  const TransformerConfig& config() const { return model_->config(); }
  torch::Device device() const { return model_->device(); }
  /// Of embeddings and, where there is no packed model, of everything behind the encoder.
  const Transformer& model() const { return *model_; }
  const Transformer& encoder() const { return *encoder_; }
  /// Null on a GPU.
  const PackedModel* packed() const { return packed_.get(); }

 private:
  std::shared_ptr<const Transformer> model_, encoder_;
  std::shared_ptr<const PackedModel> packed_;
};

}  // namespace rest
