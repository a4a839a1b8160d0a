#include "rest/grow/sampling_head.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "head_cut.hpp"
#include "head_draw.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

constexpr std::int64_t rows_per_task = 4;

/// Calls body(Real{}) with the type the rows are held in.
template <class Body>
auto with_type(const torch::Tensor& rows, Body body) {
  return rows.scalar_type() == torch::kFloat64 ? body(double{}) : body(float{});
}

}  // namespace

SamplingHead::SamplingHead(SamplingOptions options, std::int64_t vocabulary_size)
    : options_(options), vocabulary_size_(vocabulary_size), blocks_(head_blocks(vocabulary_size)) {}

void SamplingHead::prepare(const torch::Tensor& logits) {
  const auto type = logits.scalar_type() == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32;
  logits_ = logits.to(type).to(torch::kCPU).contiguous();
  const std::int64_t rows = logits_.size(0);
  if (!weights_.defined() || weights_.size(0) < rows || weights_.scalar_type() != logits_.scalar_type()) {
    weights_ = torch::empty({rows, blocks_ * head_block}, logits_.options());
  }
  factor_.resize(static_cast<std::size_t>(rows * blocks_));
  cumulative_.resize(static_cast<std::size_t>(rows * blocks_));
  log_normaliser_.resize(static_cast<std::size_t>(rows));
  max_.resize(static_cast<std::size_t>(rows));
  with_type(logits_, [&](auto zero) {
    using Real = decltype(zero);
    at::parallel_for(0, rows, rows_per_task, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t row = first; row < last; ++row) prepare_row<Real>(row);
    });
  });
}

template <class Real>
void SamplingHead::prepare_row(std::int64_t row) {
  const Real* const logits = logits_.data_ptr<Real>() + row * vocabulary_size_;
  Real* const weights = weights_.data_ptr<Real>() + row * blocks_ * head_block;
  double* const factor = factor_.data() + row * blocks_;
  double* const cumulative = cumulative_.data() + row * blocks_;
  std::vector<BlockSums<Real>> sums(static_cast<std::size_t>(blocks_));
  sum_blocks(logits, vocabulary_size_, inverse_temperature<Real>(options_), sums.data(), weights);
  const RowSums of_row = sum_row(sums.data(), blocks_, options_, factor, cumulative);
  if (cuts(options_, vocabulary_size_)) cut_row(logits, factor, cumulative, weights);
  max_[static_cast<std::size_t>(row)] = of_row.max;
  log_normaliser_[static_cast<std::size_t>(row)] = of_row.log_normaliser;
}

template <class Real>
void SamplingHead::cut_row(const Real* logits, const double* factor, double* cumulative, Real* weights) const {
  std::vector<RankedToken<Real>> tokens;
  tokens.reserve(static_cast<std::size_t>(vocabulary_size_));
  for (std::int32_t token = 0; token < vocabulary_size_; ++token) {
    tokens.push_back({logits[token], token, weights[token]});
  }
  cut_tokens(options_, factor, cumulative[blocks_ - 1], tokens);
  std::vector<Real> kept(static_cast<std::size_t>(blocks_ * head_block), Real{0});
  for (const auto& left : tokens) kept[static_cast<std::size_t>(left.token)] = left.weight;
  std::copy(kept.begin(), kept.end(), weights);
  double sum = 0.0;
  for (std::int64_t b = 0; b < blocks_; ++b) {
    cumulative[b] = sum += factor[b] * static_cast<double>(block_sum(weights + b * head_block));
  }
}

std::int64_t SamplingHead::draw(std::int64_t row, double uniform) const {
  return with_type(logits_, [&](auto zero) {
    using Real = decltype(zero);
    if (options_.temperature == 0.0) {
      const Real* const logits = logits_.data_ptr<Real>() + row * vocabulary_size_;
      return std::find(logits, logits + vocabulary_size_, static_cast<Real>(max_[static_cast<std::size_t>(row)])) -
             logits;
    }
    const BlockDraw drawn =
        draw_block(uniform, factor_.data() + row * blocks_, cumulative_.data() + row * blocks_, blocks_);
    const Real* const weights = weights_.data_ptr<Real>() + (row * blocks_ + drawn.block) * head_block;
    return drawn.block * head_block + draw_token(weights, drawn.left);
  });
}

double SamplingHead::log_prob(std::int64_t row, std::int64_t token) const {
  return with_type(logits_, [&](auto zero) {
    const auto logit = logits_.data_ptr<decltype(zero)>()[row * vocabulary_size_ + token];
    return static_cast<double>(logit) - log_normaliser_[static_cast<std::size_t>(row)];
  });
}

double SamplingHead::sampling_log_prob(std::int64_t row, std::int64_t token) const {
  constexpr double impossible = -std::numeric_limits<double>::infinity();
  if (options_.temperature == 0.0) return token == draw(row, 0.0) ? 0.0 : impossible;
  return with_type(logits_, [&](auto zero) {
    using Real = decltype(zero);
    if (weights_.data_ptr<Real>()[row * blocks_ * head_block + token] == 0) return impossible;
    const auto logit = static_cast<double>(logits_.data_ptr<Real>()[row * vocabulary_size_ + token]);
    const double total = cumulative_[static_cast<std::size_t>((row + 1) * blocks_ - 1)];
    return (logit - max_[static_cast<std::size_t>(row)]) / options_.temperature - std::log(total);
  });
}

}  // namespace rest
