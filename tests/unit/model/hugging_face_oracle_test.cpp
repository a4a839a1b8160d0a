// The Transformer against Hugging Face with the same weights: M2M100 for pre-norm, Marian for post-norm.
// tests/support/make_hugging_face_oracle.py made the fixtures.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cstring>
#include <filesystem>

#include "rest/model/transformer.hpp"
#include "rest/store/safetensors.hpp"
#include "rest/train/cross_entropy.hpp"
#include "rest_source_dir.hpp"

namespace rest {
namespace {

torch::Tensor tensor_of(const TensorView& view) {
  const auto type = view.dtype == "I64" ? torch::kInt64 : torch::kFloat32;
  torch::Tensor tensor = torch::empty(view.shape, type);
  std::memcpy(tensor.data_ptr(), view.data, view.bytes);
  return tensor;
}

class HuggingFaceOracle : public ::testing::TestWithParam<NormOrder> {
 protected:
  HuggingFaceOracle()
      : stored_(std::filesystem::path(REST_SOURCE_DIR) / "tests/unit/model/fixtures" /
                (GetParam() == NormOrder::pre ? "pre_norm.safetensors" : "post_norm.safetensors")) {
    config_.vocabulary_size = 61;
    config_.hidden = 32;
    config_.feed_forward = 48;
    config_.heads = 4;
    config_.encoder_layers = config_.decoder_layers = 2;
    config_.norm = GetParam();
    const auto layout = make_layout(config_);
    parameters_ = torch::zeros({layout.elements});
    for (const auto& spec : layout.specs) {
      const auto weight = tensor_of(stored_.at("weight." + spec.name));
      EXPECT_EQ(weight.sizes().vec(), spec.shape) << spec.name;
      parameters_.narrow(0, spec.offset, spec.elements).copy_(weight.flatten());
    }
  }

  torch::Tensor get(const std::string& name) const { return tensor_of(stored_.at(name)); }

  torch::Tensor hidden(const Transformer& model) const {
    Dropout none;
    const auto source = get("source");
    const auto mask = (source != 0).unsqueeze(1).unsqueeze(1);
    return model.decode(get("target_in"), model.encode(source, mask, none), mask, none);
  }

  Safetensors stored_;
  TransformerConfig config_;
  torch::Tensor parameters_;
};

TEST_P(HuggingFaceOracle, LogitsAgreeToOneInTenThousand) {
  const Transformer model(config_, parameters_);
  const auto real = get("labels") != -100;
  const auto difference = (model.project(hidden(model)) - get("logits")).abs().masked_select(real.unsqueeze(2));
  EXPECT_LT(difference.max().item<float>(), 1e-4f);
}

TEST_P(HuggingFaceOracle, LossAndGradientsAgreeToOneInTenThousand) {
  Transformer model(config_, parameters_);
  for (auto& parameter : model.parameters()) parameter.requires_grad_(true);
  const auto labels = get("labels").flatten();
  const auto rows = (labels != -100).nonzero().flatten();
  const auto loss = projected_cross_entropy(hidden(model).flatten(0, 1).index_select(0, rows), model.target_embedding(),
                                            labels.index_select(0, rows), torch::ones({rows.numel()}), 0.1);
  loss.loss.backward();
  EXPECT_NEAR(loss.loss.item<double>(), get("loss").item<double>(), 1e-4 * get("loss").item<double>());
  for (std::size_t i = 0; i < model.layout().specs.size(); ++i) {
    const std::string& name = model.layout().specs[i].name;
    const auto expected = get("gradient." + name);
    const float scale = std::max(1.0f, expected.abs().max().item<float>());
    EXPECT_LT((model.parameters()[i].grad() - expected).abs().max().item<float>(), 1e-4f * scale) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Norms, HuggingFaceOracle, ::testing::Values(NormOrder::pre, NormOrder::post),
                         [](const auto& info) {
                           return info.param == NormOrder::pre ? "PreNormM2M100" : "PostNormMarian";
                         });

}  // namespace
}  // namespace rest
