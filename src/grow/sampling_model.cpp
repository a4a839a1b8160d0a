#include "rest/grow/sampling_model.hpp"

#include "products/packed_model.hpp"
#include "rest/core/error.hpp"

namespace rest {

Transformer unpacked_model(const Policy& policy, const std::string& precision) {
  return policy.model(precision == "int8" ? "float32" : precision);
}

SamplingModel::SamplingModel(const Transformer& model)
    : model_(std::make_shared<Transformer>(model)),
      encoder_(model_),
      packed_(model.device().is_cpu() ? pack(model, /*int8=*/false) : nullptr) {}

SamplingModel::SamplingModel(const Policy& policy, const std::string& precision) {
  if (precision != "int8") {
    *this = SamplingModel(unpacked_model(policy, precision));
    return;
  }
  if (!policy.parameters.is_cpu()) {
    throw UsageError("precision \"int8\" is for the CPU", "", "use bfloat16 with --device cuda");
  }
  model_ = std::make_shared<Transformer>(unpacked_model(policy, precision));
  encoder_ = std::make_shared<Transformer>(policy.model("bfloat16"));
  packed_ = pack(*model_, /*int8=*/true);
}

}  // namespace rest
