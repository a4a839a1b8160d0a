#include "model/products/packed_matrix.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "grow/products/matrix_rows.hpp"

namespace rest {
namespace {

struct Shape {
  std::int64_t rows, in, out;
};
// Features that fill neither a group of inputs nor a block of outputs, and some that do.
const std::vector<Shape> shapes = {{1, 24, 37}, {5, 7, 64}, {3, 512, 65}, {70, 64, 200}};

torch::Tensor values(std::int64_t rows, std::int64_t columns, int seed) {
  torch::manual_seed(seed);
  return torch::randn({rows, columns}, torch::kFloat64);
}

/// rows * weight^T as the format gives it, finished: [rows, out].
template <class Format>
torch::Tensor product(const torch::Tensor& rows, const torch::Tensor& weight) {
  using Real = typename Format::Real;
  const PackedMatrix<Format> matrix(weight);
  const std::int64_t count = rows.size(0), out = matrix.outputs(), stride = matrix.blocks() * 64;
  MatrixRows<Format> input;
  input.resize(count, rows.size(1));
  const torch::Tensor real = rows.to(c10::CppTypeToScalarType<Real>::value).contiguous();
  for (std::int64_t row = 0; row < count; ++row) input.store(row, real.data_ptr<Real>() + row * rows.size(1));
  std::vector<typename Format::Output> sums(static_cast<std::size_t>(count * stride));
  for (std::int64_t b = 0; b < matrix.blocks(); ++b) {
    matrix.multiply(input.row(0), input.stride(), count, b, 1, sums.data() + b * 64, stride);
  }
  end_products();
  const std::vector<Real> no_bias(static_cast<std::size_t>(out), 0);
  torch::Tensor result = torch::empty({count, out}, real.options());
  for (std::int64_t row = 0; row < count; ++row) {
    load_row(sums.data() + row * stride, {no_bias.data(), matrix.scales(), matrix.offsets(), input.scale(row)}, out,
             result.data_ptr<Real>() + row * out);
  }
  return result.to(torch::kFloat64);
}

double distance(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().max().item<double>(); }

/// [rows, features] as symmetric int8 with a scale a row represents it.
torch::Tensor in_int8(const torch::Tensor& tensor) {
  const torch::Tensor scale = std::get<0>(tensor.abs().max(1)).unsqueeze(1) / 127.0;
  return torch::round(tensor / scale) * scale;
}

TEST(PackedMatrix, ProductsAreThoseOfTheRoundedFactors) {
  for (const auto& [rows, in, out] : shapes) {
    const torch::Tensor a = values(rows, in, 1), weight = values(out, in, 2);
    EXPECT_LT(distance(product<Float64Format>(a, weight), torch::matmul(a, weight.t())), 1e-12);
    EXPECT_LT(distance(product<Float32Format>(a, weight), torch::matmul(a, weight.t())), 1e-4);
    const auto rounded = [](const torch::Tensor& t) { return t.to(torch::kBFloat16).to(torch::kFloat64); };
    EXPECT_LT(distance(product<Bfloat16Format>(a, weight), torch::matmul(rounded(a), rounded(weight).t())), 1e-4);
    if (!multiplies_int8()) continue;
    EXPECT_LT(distance(product<Int8Format>(a, weight), torch::matmul(in_int8(a), in_int8(weight).t())), 1e-3)
        << "half a step of rounding, once in a while, where a value lies between two";
  }
}

/// Small integers, and one 127 a row: every format holds them, and their products' sums, as they are.
torch::Tensor integers(std::int64_t rows, std::int64_t columns, int seed) {
  torch::manual_seed(seed);
  const torch::Tensor tensor = torch::randint(-9, 10, {rows, columns}, torch::kFloat64);
  tensor.select(1, columns - 1).fill_(127.0);
  return tensor;
}

TEST(PackedMatrix, MoreFeaturesThanAreMultipliedAtATimeAreAddedUp) {
  const torch::Tensor a = integers(3, 4099, 1), weight = integers(70, 4099, 2), expected = torch::matmul(a, weight.t());
  EXPECT_EQ(distance(product<Float64Format>(a, weight), expected), 0.0);
  EXPECT_EQ(distance(product<Float32Format>(a, weight), expected), 0.0);
  EXPECT_EQ(distance(product<Bfloat16Format>(a, weight), expected), 0.0);
  if (!multiplies_int8()) return;
  EXPECT_EQ(distance(product<Int8Format>(a, weight), expected), 0.0);
}

TEST(PackedMatrix, AnInt8RowDoesNotDependOnItsNeighbours) {
  if (!multiplies_int8()) GTEST_SKIP() << "this processor does not multiply int8";
  const torch::Tensor a = values(9, 48, 3), weight = values(70, 48, 4);
  torch::Tensor others = a * 1000;
  others[4] = a[4];
  EXPECT_EQ(distance(product<Int8Format>(a, weight)[4], product<Int8Format>(others, weight)[4]), 0.0);
  EXPECT_EQ(distance(product<Int8Format>(a, weight)[4], product<Int8Format>(a.narrow(0, 4, 1), weight)[0]), 0.0);
}

TEST(PackedMatrix, ARowAndAWeightOfZerosGiveZero) {
  if (!multiplies_int8()) GTEST_SKIP() << "this processor does not multiply int8";
  torch::Tensor a = values(2, 16, 5), weight = values(3, 16, 6);
  a[0] = 0;
  weight[2] = 0;
  const torch::Tensor result = product<Int8Format>(a, weight);
  EXPECT_EQ(result[0].abs().max().item<double>(), 0.0);
  EXPECT_EQ(result[1][2].item<double>(), 0.0);
  EXPECT_NE(result[1][1].item<double>(), 0.0);
}

}  // namespace
}  // namespace rest
