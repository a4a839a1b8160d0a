#pragma once

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "grow/heads/head_draw.hpp"
#include "grow/heads/head_operators.hpp"
#include "grow/heads/projection_head.hpp"
#include "model/wide_products.hpp"
#include "random_model.hpp"
#include "rest/core/philox.hpp"

namespace rest::grow_test {

/// Hidden states that make some pieces likely, [rows, hidden].
inline torch::Tensor hidden_states(std::int64_t rows, const Transformer& model) {
  const std::int64_t hidden = model.config().hidden;
  const auto angles = torch::arange(rows * hidden, torch::kFloat64).view({rows, hidden});
  return (torch::sin(angles * 1.7) * 2.0).to(model.dtype());
}

/// Ten draws a row, on all rows but the second: open ones, the ends of the range of uniforms among them, and a given
/// piece.
inline std::vector<Draw> draws_of(std::int64_t rows, std::int64_t vocabulary_size) {
  const Philox uniforms(Purpose::sample, 4);
  std::vector<Draw> draws;
  for (std::int64_t row = 0; row < rows; ++row) {
    if (row == 1) continue;
    for (std::uint32_t i = 0; i < 10; ++i) {
      Draw draw{row};
      draw.uniform = i == 0 ? 0.0 : i == 1 ? 1.0 - 0x1.0p-53 : uniforms.uniform(static_cast<std::uint32_t>(row), i);
      if (i == 5) draw.token = (row * 131) % vocabulary_size;
      draws.push_back(draw);
    }
  }
  return draws;
}

/// A config whose vocabulary is several slices and no whole number of blocks.
inline TransformerConfig wide_config() {
  TransformerConfig config = small_config();
  config.vocabulary_size = 9001;
  return config;
}

/// From one token kept to all, one cut and several; the leading tokens are enough for some and not for others.
inline const std::vector<SamplingOptions> cut_options = {
    {0.8, 1, 1.0, 0.0},    {1.3, 5, 1.0, 0.0},      {0.8, 50, 1.0, 0.0}, {1.3, 299, 1.0, 0.0}, {0.8, 4999, 1.0, 0.0},
    {0.8, 9999, 0.7, 0.0}, {0.8, 0, 1e-9, 0.0},     {0.8, 0, 0.3, 0.0},  {1.3, 0, 0.95, 0.0},  {0.8, 0, 0.9999, 0.0},
    {0.8, 0, 1.0, 0.02},   {1.3, 0, 1.0, 1e-4},     {0.8, 0, 1.0, 0.9},  {0.8, 40, 0.8, 0.01}, {1.3, 700, 0.9, 1e-4},
    {0.8, 0, 0.9, 0.005},  {1.0, 9999, 1.0, 0.001}, {0.0, 5, 0.5, 0.1}};

inline std::string words(const SamplingOptions& options) {
  std::ostringstream out;
  out << "T " << options.temperature << ", k " << options.top_k << ", p " << options.top_p << ", epsilon "
      << options.epsilon;
  return out.str();
}

/// What draw_kept_pieces makes of `draws` when it sees the `count` best pieces of each row, and the last the bound;
/// piece -1 where it cannot tell.
inline std::vector<Draw> drawn_from_leading(const Transformer& model, const torch::Tensor& hidden, std::int64_t count,
                                            const SamplingOptions& options, std::vector<Draw> draws) {
  const torch::Tensor& embedding = model.target_embedding().weight;
  const torch::Tensor logits = wide_product(hidden, embedding);
  const torch::Tensor sums = torch::empty({hidden.size(0), head_blocks(logits.size(1)), 3}, logits.options());
  sum_head_blocks(logits, inverse_temperature<double>(options), sums);
  const auto [best, pieces] = logits.topk(count, 1);
  torch::Tensor requests = torch::empty({static_cast<std::int64_t>(draws.size()), 3}, torch::kFloat64);
  double* request = requests.data_ptr<double>();
  for (const Draw& draw : draws) {
    *request++ = static_cast<double>(draw.row);
    *request++ = draw.uniform;
    *request++ = static_cast<double>(draw.token);
  }
  const torch::Tensor results =
      draw_kept_pieces(hidden, embedding, sums, best, pieces, requests.to(hidden.device()), options).cpu();
  const double* result = results.data_ptr<double>();
  for (Draw& draw : draws) {
    draw.token = static_cast<std::int64_t>(*result++);
    draw.log_prob = *result++;
    draw.sampling_log_prob = *result++;
  }
  return draws;
}

/// Makes three pieces equally likely for a row of hidden states, and all others unlikely.
inline void make_three_equal(const Transformer& model, const torch::Tensor& row) {
  for (const std::int64_t piece : {8000, 4200, 700}) model.target_embedding().weight[piece].copy_(row * 100.0);
}
/// Draws that have a piece.
inline std::size_t decided(const std::vector<Draw>& draws) {
  return static_cast<std::size_t>(
      std::count_if(draws.begin(), draws.end(), [](auto& draw) { return draw.token >= 0; }));
}

/// hidden [1, hidden], for which make_three_equal() was called; cuts that keep two pieces.
inline void expect_the_lower_of_equal_pieces(const Transformer& model, const torch::Tensor& hidden) {
  const std::vector<Draw> draws = {{0, 0.1}, {0, 0.9}, {0, 0.0, 4200}, {0, 0.0, 8000}};
  for (const SamplingOptions& options :
       {SamplingOptions{0.8, 2, 1.0, 0.0}, SamplingOptions{0.8, 0, 0.5, 0.0}, SamplingOptions{0.8, 2, 0.9, 0.01}}) {
    for (const std::int64_t count : {4, 257}) {
      SCOPED_TRACE(words(options) + ", " + std::to_string(count) + " pieces");
      const auto drawn = drawn_from_leading(model, hidden, count, options, draws);
      EXPECT_EQ(drawn[0].token, 700);
      EXPECT_EQ(drawn[1].token, 4200);
      EXPECT_EQ(drawn[2].token, 4200);
      EXPECT_NEAR(drawn[2].sampling_log_prob, std::log(0.5), 1e-5);
      EXPECT_EQ(drawn[3].token, 8000);
      EXPECT_TRUE(std::isinf(drawn[3].sampling_log_prob));
    }
    // The last of three is as likely as the others: which two are kept cannot be told.
    EXPECT_EQ(decided(drawn_from_leading(model, hidden, 3, options, draws)), 0u) << words(options);
  }
}

}  // namespace rest::grow_test
