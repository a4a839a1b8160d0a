#include "best_tokens.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <numeric>

#include "rest/grow/sampling_head.hpp"

namespace rest {
namespace {

constexpr std::int64_t rows_together = 64;  // bounds the logits held
constexpr std::int64_t rows_per_task = 4;

/// Tokens of the largest logits, in order. One pass, as most logits lie below the worst of those found so far.
template <class Real>
std::vector<Token> largest_logits(const Real* logits, std::int64_t vocabulary_size, std::size_t count) {
  const auto before = [&](Token a, Token b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; };
  std::vector<Token> best(std::min(count, static_cast<std::size_t>(vocabulary_size)));
  std::iota(best.begin(), best.end(), Token{0});
  std::sort(best.begin(), best.end(), before);
  for (auto token = static_cast<Token>(best.size()); token < vocabulary_size; ++token) {
    if (!(logits[token] > logits[best.back()])) continue;
    best.pop_back();
    best.insert(std::upper_bound(best.begin(), best.end(), token, before), token);
  }
  return best;
}

template <class Real>
std::vector<LikelyToken> best_of_row(const SamplingHead& head, const torch::Tensor& logits, std::int64_t row,
                                     std::size_t count) {
  const std::int64_t vocabulary_size = logits.size(1);
  std::vector<LikelyToken> best;
  for (const Token token : largest_logits(logits.data_ptr<Real>() + row * vocabulary_size, vocabulary_size, count)) {
    best.push_back({token, head.log_prob(row, token)});
  }
  return best;
}

}  // namespace

std::vector<std::vector<LikelyToken>> best_tokens(const Transformer& model, const torch::Tensor& hidden,
                                                  std::size_t count) {
  SamplingOptions greedy;
  greedy.temperature = 0.0;  // only log-probabilities are asked for
  SamplingHead head(greedy, model.config().vocabulary_size);
  const torch::ScalarType type = model.dtype() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  std::vector<std::vector<LikelyToken>> best(static_cast<std::size_t>(hidden.size(0)));
  for (std::int64_t first = 0; first < hidden.size(0); first += rows_together) {
    const std::int64_t rows = std::min(rows_together, hidden.size(0) - first);
    const torch::Tensor logits =
        model.project(hidden.narrow(0, first, rows).to(model.dtype())).to(torch::kCPU, type).contiguous();
    head.prepare(logits);
    at::parallel_for(0, rows, rows_per_task, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        best[static_cast<std::size_t>(first + row)] = type == torch::kFloat64
                                                          ? best_of_row<double>(head, logits, row, count)
                                                          : best_of_row<float>(head, logits, row, count);
      }
    });
  }
  return best;
}

}  // namespace rest
