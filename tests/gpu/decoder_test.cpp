#include <gtest/gtest.h>
#include <torch/torch.h>

#include "gpu.hpp"
#include "grow/decoder/tree_decoder.hpp"
#include "models.hpp"

namespace rest {
namespace {

using grow_test::small_config;
using grow_test::Sources;

/// Steps down a tree in which every third prefix branches: sizes come again, and the cache grows.
std::vector<torch::Tensor> decode(const Transformer& model, Launching launching) {
  const c10::InferenceMode inference;
  const Sources sources(9);
  std::vector<Span<const Token>> tokens;
  for (const auto& source : sources.all()) tokens.push_back(source.tokens);
  const std::vector<SourceMemory> memories = encode_sources(model, tokens);
  const auto decoder = operator_decoder(model, launching);
  PrefixTree tree;
  std::vector<PrefixRow> rows;
  for (const SourceMemory& memory : memories) rows.push_back({tree.add(PrefixTree::none, 2), 2, 0, &memory});
  std::vector<torch::Tensor> hidden;
  for (std::int64_t position = 1; position < 40; ++position) {
    hidden.push_back(decoder->step(tree, rows).cpu());
    std::vector<PrefixRow> next;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (Token child = 0; child < (i % 3 == 0 && rows.size() < 400 ? 2 : 1); ++child) {
        const Token token = 4 + static_cast<Token>(7 * i + child + static_cast<std::size_t>(position)) % 30;
        next.push_back({tree.add(rows[i].node, token), token, position, rows[i].source});
      }
    }
    rows = std::move(next);
  }
  return hidden;
}

TEST(CudaDecoder, RecordedStepsGiveTheBitsOfStepsLaunchedOneByOne) {
  NEEDS_A_GPU();
  for (const auto type : {torch::kFloat64, torch::kFloat32, torch::kBFloat16}) {
    const Transformer model = model_on(gpu(), small_config(), type);
    const auto recorded = decode(model, Launching::recorded), one_by_one = decode(model, Launching::one_by_one);
    for (std::size_t i = 0; i < recorded.size(); ++i) {
      ASSERT_TRUE(torch::equal(recorded[i], one_by_one[i])) << type << ", step " << i;
    }
  }
}

TEST(CudaDecoder, HiddenStatesAreThoseOfTheCpu) {
  NEEDS_A_GPU();
  for (const auto& [type, tolerance] : {std::pair{torch::kFloat64, 1e-9}, {torch::kFloat32, 1e-3}}) {
    const auto there = decode(model_on(gpu(), small_config(), type), Launching::recorded);
    const auto here = decode(model_on(torch::kCPU, small_config(), type), Launching::one_by_one);
    for (std::size_t i = 0; i < there.size(); ++i) {
      ASSERT_LT((there[i] - here[i]).abs().max().item<double>(), tolerance) << type << ", step " << i;
    }
  }
}

}  // namespace
}  // namespace rest
