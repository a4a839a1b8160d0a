#include "rest/model/policy.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <fstream>

#include "rest/core/error.hpp"
#include "support/temporary_directory.hpp"

namespace rest {
namespace {

Policy small_policy() {
  Policy policy;
  ModelOptions model;
  model.preset = "mini";
  model.hidden = 16, model.feed_forward = 24, model.heads = 2, model.encoder_layers = model.decoder_layers = 1;
  policy.config = make_config(model, 40);
  policy.parameters = initial_parameters(make_layout(policy.config), 3);
  policy.tokenizer_digest = "abc";
  return policy;
}

TEST(PresetTest, ShapesAreThePapers) {
  ModelOptions options;
  options.preset = "tiny";
  EXPECT_EQ(to_json(make_config(options, 32000)).at("feed_forward"), 1024);
  EXPECT_EQ(make_config(options, 32000).heads, 4);
  options.preset = "base";
  EXPECT_EQ(make_config(options, 32000).feed_forward, 2048);
  EXPECT_EQ(make_config(options, 32000).hidden, 512);
  options.preset = "big";
  const auto big = make_config(options, 32000);
  EXPECT_EQ(big.hidden, 1024);
  EXPECT_EQ(big.feed_forward, 8192);
  EXPECT_EQ(big.heads, 16);
  EXPECT_EQ(big.encoder_layers, 6);
  EXPECT_EQ(big.decoder_layers, 6);
}

TEST(ParametersTest, InitialWeightsFollowTheirDistributions) {
  ModelOptions options;
  options.preset = "mini";
  const auto layout = make_layout(make_config(options, 1000));
  const auto flat = initial_parameters(layout, 1);
  const auto views = parameter_views(layout, flat);
  const auto& embedding = views.front();
  EXPECT_NEAR(embedding.std().item<double>(), 1.0 / std::sqrt(128.0), 0.002);
  EXPECT_NEAR(embedding.mean().item<double>(), 0.0, 0.002);
  for (std::size_t i = 0; i < views.size(); ++i) {
    const auto& spec = layout.specs[i];
    EXPECT_EQ(spec.offset % 16, 0) << spec.name;
    if (spec.kind == ParameterSpec::Kind::bias) {
      EXPECT_EQ(views[i].abs().max().item<float>(), 0.0f) << spec.name;
    }
    if (spec.kind != ParameterSpec::Kind::matrix) continue;
    const double bound = std::sqrt(6.0 / static_cast<double>(spec.shape[0] + spec.shape[1]));
    EXPECT_LE(views[i].abs().max().item<double>(), bound + 1e-6) << spec.name;
    EXPECT_GT(views[i].abs().max().item<double>(), 0.95 * bound) << spec.name;
  }
  EXPECT_TRUE(torch::equal(flat, initial_parameters(layout, 1)));
  EXPECT_FALSE(torch::equal(flat, initial_parameters(layout, 2)));
}

TEST(PolicyTest, ComesBackAsItWasStored) {
  const TemporaryDirectory folder;
  const Policy stored = small_policy();
  save_policy(folder.path() / "p", stored, make_lineage("policy", {}, {}));
  const Policy loaded = load_policy(folder.path() / "p");
  EXPECT_TRUE(torch::equal(loaded.parameters, stored.parameters));
  EXPECT_EQ(to_json(loaded.config), to_json(stored.config));
  EXPECT_EQ(loaded.tokenizer_digest, "abc");
  EXPECT_EQ(loaded.digest.size(), 64u);
}

TEST(PolicyTest, AnAlteredByteIsRefusedByName) {
  const TemporaryDirectory folder;
  save_policy(folder.path() / "p", small_policy(), make_lineage("policy", {}, {}));
  const auto file = folder.path() / "p" / "model.safetensors";
  {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(-1, std::ios::end);
    bytes.put('\x55');
  }
  try {
    load_policy(folder.path() / "p");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(file.string()), std::string::npos) << error.what();
  }
}

TEST(PolicyTest, AMissingOneNamesWhatMakesIt) {
  const TemporaryDirectory folder;
  try {
    load_policy(folder.path() / "none");
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("rest_train"), std::string::npos) << error.what();
  }
}

TEST(PolicyTest, AnotherTokenizerIsRefused) {
  EXPECT_NO_THROW(require_tokenizer(small_policy(), "abc", "corpus"));
  EXPECT_THROW(require_tokenizer(small_policy(), "abd", "corpus"), Error);
}

}  // namespace
}  // namespace rest
