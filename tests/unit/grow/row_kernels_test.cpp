#include "grow/decoder/row_kernels.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <vector>

namespace rest {
namespace {

std::vector<float> row_of(std::int64_t size) {
  std::vector<float> row(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = 3.0f * std::sin(1.0f + 0.7f * static_cast<float>(i * i % 97));
  return row;
}

const std::vector<std::int64_t> sizes = {1, 6, 16, 37, 512};

TEST(RowKernels, Int8IsWithinHalfAStepOfTheRow) {
  for (const std::int64_t size : sizes) {
    const std::vector<float> row = row_of(size);
    std::vector<std::uint8_t> bytes(row.size());
    const float scale = store_row(row.data(), size, bytes.data());
    int largest = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const int value = bytes[i] - 128;
      largest = std::max(largest, std::abs(value));
      EXPECT_NEAR(static_cast<float>(value) * scale, row[i], 0.501f * scale);
    }
    EXPECT_EQ(largest, 127) << "the whole range is used";
  }
}

TEST(RowKernels, Bfloat16IsRoundedAsLibTorchDoes) {
  std::vector<float> row = row_of(512);
  row[3] = std::numeric_limits<float>::quiet_NaN();
  row[4] = std::numeric_limits<float>::infinity();
  row[5] = 1.00390625f;  // between two, the even one is 1
  std::vector<at::BFloat16> rounded(row.size());
  store_row(row.data(), 512, rounded.data());
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (i == 3) {
      EXPECT_TRUE(std::isnan(static_cast<float>(rounded[i])));
    } else {
      EXPECT_EQ(static_cast<float>(rounded[i]), static_cast<float>(at::BFloat16(row[i]))) << i;
    }
  }
}

TEST(RowKernels, NormIsLibTorchs) {
  for (const std::int64_t size : sizes) {
    const std::vector<float> row = row_of(size);
    const torch::Tensor x = torch::tensor(row), weight = torch::rand({size}), bias = torch::rand({size});
    std::vector<float> out(row.size());
    normalise_row(row.data(), weight.data_ptr<float>(), bias.data_ptr<float>(), size, out.data());
    EXPECT_TRUE(torch::allclose(torch::tensor(out), torch::layer_norm(x, {size}, weight, bias, 1e-5), 1e-4, 1e-5));
  }
}

TEST(RowKernels, SumsAreFinishedWithOffsetScalesAndBias) {
  const std::vector<std::int32_t> sums = {1000, -50, 7}, offsets = {900, 50, 7};
  const std::vector<float> bias = {0.5f, 0.25f, -1.0f}, scales = {0.1f, 0.2f, 0.3f};
  const Finish<float> finish{bias.data(), scales.data(), offsets.data(), 2.0f};
  std::vector<float> out(3), x = {1.0f, 1.0f, 1.0f};
  load_row(sums.data(), finish, 3, out.data());
  add_row(sums.data(), finish, 3, x.data());
  const std::vector<float> expected = {20.5f, -39.75f, -1.0f};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_FLOAT_EQ(out[i], expected[i]);
    EXPECT_FLOAT_EQ(x[i], expected[i] + 1.0f);
  }
}

}  // namespace
}  // namespace rest
