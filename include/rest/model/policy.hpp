#pragma once

#include <torch/types.h>

#include <filesystem>
#include <string>

#include "rest/core/committed.hpp"
#include "rest/model/transformer.hpp"

namespace rest {

/// A policy as it is stored: configuration, weights (float32, flat) and which tokenizer they speak.
struct Policy {
  TransformerConfig config;
  torch::Tensor parameters;      // [layout.elements] float32
  std::string tokenizer_digest;  ///< SHA-256 of the SentencePiece model
  std::string digest;            ///< SHA-256 of model.safetensors; empty before it is stored

  /// The model in another precision ("float32", "bfloat16", "float64"), with weights of its own unless float32.
  Transformer model(const std::string& precision = "float32") const;
  /// The same policy with its parameters on a device, which is where its models then compute.
  Policy to(torch::Device device) const;
};

torch::ScalarType scalar_type(const std::string& precision);

/// `<directory>/model.safetensors` (committed) with the configuration in its metadata and in config.json beside it.
void save_policy(const std::filesystem::path& directory, const Policy& policy, const Lineage& lineage,
                 const nlohmann::json& sidecar = {});

/// Throws Error naming the file: missing (and what makes it), damaged, or tensors that do not fit the configuration.
Policy load_policy(const std::filesystem::path& directory);

/// Throws Error naming both files' digests when a policy does not speak the tokenizer of what it is to read.
void require_tokenizer(const Policy& policy, const std::string& tokenizer_digest, const std::string& what);

}  // namespace rest
