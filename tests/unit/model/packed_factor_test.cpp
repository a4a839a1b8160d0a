#include "model/products/packed_factor.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "model/native/products.hpp"
#include "model/products/packed_matrix.hpp"

namespace rest {
namespace {

#define NEEDS_BFLOAT16_PRODUCTS() \
  if (!multiplies_bfloat16()) GTEST_SKIP() << "this processor does not multiply bfloat16"

torch::Tensor random_bfloat16(std::int64_t rows, std::int64_t columns) {
  return torch::randn({rows, columns}).to(torch::kBFloat16);
}
torch::Tensor wide(const torch::Tensor& x) { return x.to(torch::kFloat32); }

struct Shape {
  std::int64_t rows, inner, columns;
};
const std::vector<Shape> shapes{{1, 2, 1}, {5, 34, 70}, {64, 64, 64}, {67, 128, 200}, {130, 96, 61}};

TEST(PackedFactor, BothLayoutsGiveTheProduct) {
  NEEDS_BFLOAT16_PRODUCTS();
  torch::manual_seed(1);
  for (const Shape& s : shapes) {
    const auto a = random_bfloat16(s.rows, s.inner), b = random_bfloat16(s.inner, s.columns);
    const auto expected = torch::mm(wide(a), wide(b));
    for (const bool transposed : {false, true}) {
      PackedFactor factor;
      EXPECT_TRUE(factor.empty());
      transposed ? factor.pack_transposed(b.t()) : factor.pack(b);
      ASSERT_EQ(factor.columns(), s.columns);
      for (std::int64_t block = 0; block < factor.blocks(); ++block) {
        torch::Tensor out = torch::full({s.rows, PackedFactor::block}, -1.0f);
        factor.multiply(a.data_ptr<at::BFloat16>(), s.inner, s.rows, block, 0, s.inner, out.data_ptr<float>(),
                        PackedFactor::block);
        const std::int64_t first = block * PackedFactor::block;
        const std::int64_t width = std::min(PackedFactor::block, s.columns - first);
        EXPECT_TRUE(torch::allclose(out.narrow(1, 0, width), expected.narrow(1, first, width), 1e-4, 1e-3));
        EXPECT_EQ(out.narrow(1, width, PackedFactor::block - width).abs().sum().item<float>(), 0.0f);
      }
    }
  }
}

TEST(PackedFactor, IsMadeAnewAfterAChange) {
  NEEDS_BFLOAT16_PRODUCTS();
  PackedFactor factor;
  for (const float value : {1.0f, 3.0f}) {
    factor.clear();
    EXPECT_TRUE(factor.empty());
    factor.pack(torch::full({32, 64}, value, torch::kBFloat16));
    const auto ones = torch::ones({1, 32}, torch::kBFloat16);
    torch::Tensor out = torch::empty({1, 64});
    factor.multiply(ones.data_ptr<at::BFloat16>(), 32, 1, 0, 0, 32, out.data_ptr<float>(), 64);
    EXPECT_EQ(out[0][5].item<float>(), 32.0f * value);
  }
}

TEST(PackedFactor, FactorsOfAProductOverRowsHoldAllOfAMatrixAndZeros) {
  torch::manual_seed(2);
  for (const auto& [rows, columns] :
       {std::pair<std::int64_t, std::int64_t>{1, 3}, {31, 16}, {40, 50}, {64, 33}, {65, 64}, {70, 200}}) {
    const auto matrix = random_bfloat16(rows, columns);
    const std::int64_t padded = padded_inner(rows), stride = transposed_stride(padded);
    const auto whole = torch::constant_pad_nd(matrix, {0, 0, 0, padded - rows});
    const auto transposed = torch::empty({columns, stride}, torch::kBFloat16);
    transpose_rows(matrix.data_ptr<at::BFloat16>(), columns, rows, columns, padded, transposed.data_ptr<at::BFloat16>(),
                   stride);
    EXPECT_TRUE(torch::equal(transposed.narrow(1, 0, padded), whole.t()));
    const auto pairs = torch::empty({paired_elements(padded, columns)}, torch::kBFloat16);
    pair_rows(matrix.data_ptr<at::BFloat16>(), columns, rows, columns, padded, pairs.data_ptr<at::BFloat16>());
    const auto by_block = pairs.view({-1, padded / 2, PackedFactor::block, 2});
    const auto rows_again = by_block.permute({1, 3, 0, 2}).reshape({padded, -1});
    EXPECT_TRUE(torch::equal(rows_again.narrow(1, 0, columns), whole));
  }
}

TEST(Products, OverRowsAreAdded) {
  torch::manual_seed(3);
  for (const Shape& s : shapes) {
    for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
      if (type == torch::kBFloat16 && !multiplies_bfloat16()) continue;
      const auto a = torch::randn({s.rows, s.inner}).to(type), b = torch::randn({s.rows, s.columns}).to(type);
      const auto start = torch::randn({s.inner, s.columns});
      const auto into = start.clone();
      add_product_over_rows(a, b, into);
      EXPECT_TRUE(torch::allclose(into, start + torch::mm(wide(a).t(), wide(b)), 1e-4, 1e-3));
    }
  }
}

}  // namespace
}  // namespace rest
