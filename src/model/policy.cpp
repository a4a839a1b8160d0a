#include "rest/model/policy.hpp"

#include <algorithm>
#include <cstring>

#include "rest/core/error.hpp"
#include "rest/store/safetensors.hpp"

namespace rest {

Transformer Policy::model(const std::string& precision) const {
  return Transformer(config, parameters.to(scalar_type(precision)));
}

Policy Policy::to(torch::Device device) const {
  Policy moved = *this;
  moved.parameters = parameters.to(device);
  return moved;
}

torch::ScalarType scalar_type(const std::string& precision) {
  if (precision == "float32") return torch::kFloat32;
  if (precision == "bfloat16") return torch::kBFloat16;
  if (precision == "float64") return torch::kFloat64;
  throw UsageError("precision \"" + precision + "\" is not known", "", "use float32, bfloat16 or float64");
}

void save_policy(const std::filesystem::path& directory, const Policy& policy, const Lineage& lineage,
                 const nlohmann::json& sidecar) {
  std::filesystem::create_directories(directory);
  const auto layout = make_layout(policy.config);
  const auto parameters = policy.parameters.to(torch::kCPU).contiguous();
  const float* const values = parameters.data_ptr<float>();
  std::vector<TensorView> tensors;
  for (const auto& spec : layout.specs) {
    tensors.push_back(
        {spec.name, "F32", spec.shape, values + spec.offset, static_cast<std::size_t>(spec.elements) * sizeof(float)});
  }
  const std::string config = to_json(policy.config).dump();
  commit_json(directory / "config.json", to_json(policy.config), lineage, sidecar);
  commit_file(
      directory / "model.safetensors", lineage,
      [&](const std::filesystem::path& file) {
        write_safetensors(file, tensors, {{"config", config}, {"tokenizer", policy.tokenizer_digest}});
      },
      [](const std::filesystem::path& file) { Safetensors check(file); }, sidecar);
}

Policy load_policy(const std::filesystem::path& directory) {
  const auto file = directory / "model.safetensors";
  const CommitRecord record = verify_committed(file, "rest_train or rest_improve");
  const Safetensors stored(file);
  const auto metadata = [&](const std::string& key) {
    const auto found = stored.metadata().find(key);
    if (found == stored.metadata().end()) throw Error(file.string() + " has no \"" + key + "\" in its metadata");
    return found->second;
  };
  Policy policy;
  policy.config = config_from_json(nlohmann::json::parse(metadata("config"), nullptr, false));
  policy.tokenizer_digest = metadata("tokenizer");
  policy.digest = record.sha256;
  const auto layout = make_layout(policy.config);
  policy.parameters = torch::zeros({layout.elements}, torch::kFloat32);
  for (const auto& spec : layout.specs) {
    const TensorView& tensor = stored.at(spec.name);
    if (tensor.dtype != "F32" || tensor.shape != spec.shape) {
      throw Error(file.string() + ": tensor " + spec.name + " has another type or shape than its configuration says");
    }
    std::memcpy(policy.parameters.data_ptr<float>() + spec.offset, tensor.data, tensor.bytes);
  }
  return policy;
}

void require_tokenizer(const Policy& policy, const std::string& tokenizer_digest, const std::string& what) {
  if (policy.tokenizer_digest == tokenizer_digest) return;
  throw Error(what + " was made with another tokenizer than the policy",
              "SHA-256 " + tokenizer_digest.substr(0, 12) + " there, " + policy.tokenizer_digest.substr(0, 12) +
                  " in the policy",
              "use a policy and a corpus of the same run");
}

}  // namespace rest
