#include <gtest/gtest.h>

#include "gpu.hpp"
#include "unit/grow/attention_cases.hpp"

namespace rest {
namespace {

using grow_test::SourceCase;
using grow_test::TreeCase;

double worst(const torch::Tensor& out, const torch::Tensor& expected) {
  return (out.cpu().to(torch::kFloat64) - expected).abs().max().item<double>();
}

// bfloat16: what is read is exact in the expectation too, what comes out is rounded to 8 bits.
constexpr std::pair<torch::ScalarType, double> types[] = {
    {torch::kFloat64, 1e-12}, {torch::kFloat32, 5e-6}, {torch::kBFloat16, 8e-3}};

TEST(CudaTreeAttention, IsPlainAttentionOverEachRowsPath) {
  NEEDS_A_GPU();
  for (const std::int64_t head_dim : {6, 32, 64, 96, 128, 160}) {
    for (const auto& [type, tolerance] : types) {
      const TreeCase tree(3, head_dim, type);
      const torch::Tensor cache = tree.cache.to(gpu());
      const torch::Tensor out =
          tree_attention(tree.qkv.to(gpu()), cache, tree.paths.to(gpu()), tree.offsets.to(gpu()), tree.heads);
      EXPECT_LT(worst(out, tree.expected), tolerance) << "head_dim " << head_dim << ", " << type;
      EXPECT_TRUE(torch::equal(cache.cpu(), tree.expected_cache)) << "own keys and values are not stored";
    }
  }
}

TEST(CudaSourceAttention, IsPlainAttentionOverEachRowsSource) {
  NEEDS_A_GPU();
  for (const std::int64_t head_dim : {6, 32, 64, 96, 128, 160}) {
    for (const auto& [type, tolerance] : types) {
      const SourceCase source(3, head_dim, type, gpu());
      const torch::Tensor out = source_attention(source.query.to(gpu()), source.places.to(gpu()), source.heads);
      EXPECT_LT(worst(out, source.expected), tolerance) << "head_dim " << head_dim << ", " << type;
    }
  }
}

}  // namespace
}  // namespace rest
