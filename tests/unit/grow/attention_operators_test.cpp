#include <gtest/gtest.h>

#include "attention_cases.hpp"

namespace rest {
namespace {

using grow_test::SourceCase;
using grow_test::TreeCase;

double worst(const torch::Tensor& out, const torch::Tensor& expected) {
  return (out.to(torch::kFloat64) - expected).abs().max().item<double>();
}

constexpr std::pair<torch::ScalarType, double> types[] = {{torch::kFloat64, 1e-12}, {torch::kFloat32, 2e-6}};

TEST(tree_attention, is_plain_attention_over_each_rows_path) {
  for (const std::int64_t head_dim : {6, 64, 130}) {
    for (const auto& [type, tolerance] : types) {
      const TreeCase tree(2, head_dim, type);
      const torch::Tensor out = tree_attention(tree.qkv, tree.cache, tree.paths, tree.offsets, tree.heads);
      EXPECT_LT(worst(out, tree.expected), tolerance) << "head_dim " << head_dim;
      EXPECT_TRUE(torch::equal(tree.cache, tree.expected_cache)) << "own keys and values are not stored";
    }
  }
}

TEST(source_attention, is_plain_attention_over_each_rows_source) {
  for (const std::int64_t head_dim : {6, 64, 130}) {
    for (const auto& [type, tolerance] : types) {
      const SourceCase source(2, head_dim, type, torch::kCPU);
      EXPECT_LT(worst(source_attention(source.query, source.places, source.heads), source.expected), tolerance)
          << "head_dim " << head_dim;
    }
  }
}

}  // namespace
}  // namespace rest
