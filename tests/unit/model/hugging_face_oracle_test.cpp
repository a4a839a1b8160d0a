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

  /// The rows of a padded batch that are not padding, with the sequences they form.
  struct Rows {
    torch::Tensor pieces, kept;  // [rows]; [batch * length]: where they stood
    Sequences sequences;
  };
  static Rows rows_of(const torch::Tensor& padded, const torch::Tensor& real) {
    std::vector<std::int64_t> lengths;
    for (std::int64_t i = 0; i < padded.size(0); ++i) lengths.push_back(real[i].sum().item<std::int64_t>());
    const auto kept = real.flatten().nonzero().flatten();
    return {padded.flatten().index_select(0, kept), kept,
            make_sequences(lengths, std::vector<std::uint64_t>(lengths.size()))};
  }
  Rows targets() const { return rows_of(get("target_in"), get("labels") != -100); }

  torch::Tensor hidden(const Transformer& model) const {
    Dropout none;
    const Rows source = rows_of(get("source"), get("source") != 0), target = targets();
    const auto readers = make_readers(std::vector<std::int64_t>(static_cast<std::size_t>(source.sequences.size()), 1));
    return model.decode(target.pieces, target.sequences, model.encode(source.pieces, source.sequences, none),
                        source.sequences, readers, none);
  }

  Safetensors stored_;
  TransformerConfig config_;
  torch::Tensor parameters_;
};

TEST_P(HuggingFaceOracle, LogitsAgreeToOneInTenThousand) {
  const Transformer model(config_, parameters_);
  const auto expected = get("logits").flatten(0, 1).index_select(0, targets().kept);
  EXPECT_LT((model.project(hidden(model)) - expected).abs().max().item<float>(), 1e-4f);
}

/// With gradients by LibTorch's operators, and by our own loops into a bound buffer.
TEST_P(HuggingFaceOracle, LossAndGradientsAgreeToOneInTenThousand) {
  for (const bool bound : {false, true}) {
    const auto gradients = torch::zeros_like(parameters_);
    Transformer model(config_, parameters_, bound ? gradients : torch::Tensor());
    const auto views = parameter_views(model.layout(), gradients);
    for (std::size_t i = 0; i < views.size(); ++i) {
      model.parameters()[i].requires_grad_(true);
      if (!bound) model.parameters()[i].mutable_grad() = views[i];
    }
    const auto labels = get("labels").flatten().index_select(0, targets().kept);
    const auto loss =
        projected_cross_entropy(hidden(model), model.target_embedding(), labels, torch::ones({labels.numel()}), 0.1);
    loss.loss.backward();
    EXPECT_NEAR(loss.loss.item<double>(), get("loss").item<double>(), 1e-4 * get("loss").item<double>());
    for (std::size_t i = 0; i < views.size(); ++i) {
      const std::string& name = model.layout().specs[i].name;
      const auto expected = get("gradient." + name);
      const float scale = std::max(1.0f, expected.abs().max().item<float>());
      EXPECT_LT((views[i] - expected).abs().max().item<float>(), 1e-4f * scale) << name << (bound ? ", bound" : "");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Norms, HuggingFaceOracle, ::testing::Values(NormOrder::pre, NormOrder::post),
                         [](const auto& info) {
                           return info.param == NormOrder::pre ? "PreNormM2M100" : "PostNormMarian";
                         });

}  // namespace
}  // namespace rest
