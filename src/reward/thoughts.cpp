#include "thoughts.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "rest/core/vector_math.hpp"

namespace rest {
namespace {

constexpr std::int64_t lanes = 16;

/// logits [vocabulary] -> out [3]
REST_CLONES void thoughts_of_row(const float* logits, std::int64_t vocabulary, std::int64_t piece, float* out) {
  const std::int64_t whole = vocabulary / lanes * lanes;
  float top[lanes], sum[lanes] = {}, weighted[lanes] = {};
  for (std::int64_t j = 0; j < lanes; ++j) top[j] = logits[0];
  for (std::int64_t i = 0; i < whole; i += lanes)
    for (std::int64_t j = 0; j < lanes; ++j) top[j] = logits[i + j] > top[j] ? logits[i + j] : top[j];
  float max = top[0];
  for (std::int64_t j = 1; j < lanes; ++j) max = std::max(max, top[j]);
  for (std::int64_t i = whole; i < vocabulary; ++i) max = std::max(max, logits[i]);
  for (std::int64_t i = 0; i < whole; i += lanes)
    for (std::int64_t j = 0; j < lanes; ++j) {
      const float below = logits[i + j] - max, mass = vector_exp(below);
      sum[j] += mass;
      weighted[j] += mass * below;
    }
  double total = 0.0, below_by = 0.0;
  for (std::int64_t j = 0; j < lanes; ++j) {
    total += static_cast<double>(sum[j]);
    below_by += static_cast<double>(weighted[j]);
  }
  for (std::int64_t i = whole; i < vocabulary; ++i) {
    const float below = logits[i] - max, mass = vector_exp(below);
    total += static_cast<double>(mass);
    below_by += static_cast<double>(mass * below);
  }
  const double gap = static_cast<double>(max - logits[piece]), normaliser = std::log(total);
  out[0] = static_cast<float>(-gap - normaliser);
  out[1] = static_cast<float>(normaliser - below_by / total);
  out[2] = static_cast<float>(gap);
}

torch::Tensor by_our_loops(const torch::Tensor& logits, const torch::Tensor& pieces) {
  const torch::Tensor from = logits.contiguous(), to = torch::empty({logits.size(0), 3}, torch::kFloat32);
  const float* const values = from.data_ptr<float>();
  const auto* const piece = pieces.data_ptr<std::int64_t>();
  float* const out = to.data_ptr<float>();
  const std::int64_t vocabulary = logits.size(1);
  at::parallel_for(0, logits.size(0), 8, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r)
      thoughts_of_row(values + r * vocabulary, vocabulary, piece[r], out + 3 * r);
  });
  return to;
}

torch::Tensor by_operators(const torch::Tensor& logits, const torch::Tensor& pieces) {
  const torch::Tensor all = torch::log_softmax(logits, -1), said = all.gather(1, pieces.unsqueeze(1));
  return torch::cat({said, -(all.exp() * all).sum(-1, true), all.amax(-1, true) - said}, 1);
}

}  // namespace

torch::Tensor thoughts(const Transformer& model, const torch::Tensor& hidden, const torch::Tensor& pieces) {
  const torch::NoGradGuard no_gradient;
  const bool own = hidden.is_cpu() && hidden.scalar_type() != torch::kFloat64;
  const std::int64_t block = own ? 128 : 1024;  // of which the logits stay in the cache
  std::vector<torch::Tensor> blocks;
  for (std::int64_t first = 0; first < hidden.size(0); first += block) {
    const std::int64_t rows = std::min(block, hidden.size(0) - first);
    const torch::Tensor logits = model.project(hidden.narrow(0, first, rows)).to(torch::kFloat32),
                        said = pieces.narrow(0, first, rows).contiguous();
    blocks.push_back(own ? by_our_loops(logits, said) : by_operators(logits, said));
  }
  return torch::cat(blocks);
}

}  // namespace rest
