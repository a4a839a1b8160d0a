#include "rest/train/adam.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace rest {
namespace {

constexpr std::int64_t block = 4096;

/// Sum of squares in a fixed order: 16 lanes.
__attribute__((target_clones("avx512f", "avx2", "default"))) double square_sum(const float* values,
                                                                               std::int64_t count) {
  constexpr std::int64_t lanes = 16;
  double sums[lanes] = {};
  const std::int64_t whole = count / lanes * lanes;
  for (std::int64_t i = 0; i < whole; i += lanes)
    for (std::int64_t j = 0; j < lanes; ++j) {
      const auto value = static_cast<double>(values[i + j]);
      sums[j] += value * value;
    }
  double total = 0.0;
  for (const double sum : sums) total += sum;
  for (std::int64_t i = whole; i < count; ++i) total += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  return total;
}

struct Step {
  float gradient_scale, beta1, beta2, rate, root_correction, epsilon, average_decay;
};

__attribute__((target_clones("avx512f", "avx2", "default"))) void adam_block(
    const Step& step, const float* gradient, float* __restrict parameter, float* __restrict first,
    float* __restrict second, float* __restrict average, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] * step.gradient_scale;
    first[i] = step.beta1 * first[i] + (1.0f - step.beta1) * g;
    second[i] = step.beta2 * second[i] + (1.0f - step.beta2) * g * g;
    parameter[i] -= step.rate * first[i] / (std::sqrt(second[i]) * step.root_correction + step.epsilon);
  }
  if (average == nullptr) return;
  for (std::int64_t i = 0; i < count; ++i)
    average[i] = step.average_decay * average[i] + (1.0f - step.average_decay) * parameter[i];
}

/// What an update changes; the average may be undefined.
struct Buffers {
  torch::Tensor parameters, first, second, average;
};

std::int64_t blocks_of(Span<const float> values) {
  return (static_cast<std::int64_t>(values.size()) + block - 1) / block;
}

double norm_of(Span<const float> values) {
  const auto elements = static_cast<std::int64_t>(values.size());
  std::vector<double> squares(static_cast<std::size_t>(blocks_of(values)));
  at::parallel_for(0, blocks_of(values), 16, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t b = from; b < to; ++b)
      squares[static_cast<std::size_t>(b)] =
          square_sum(values.data() + b * block, std::min(block, elements - b * block));
  });
  double total = 0.0;
  for (const double square : squares) total += square;
  return std::sqrt(total);
}

void step_in_blocks(const Step& step, Span<const float> gradient, const Buffers& buffers) {
  const auto elements = static_cast<std::int64_t>(gradient.size());
  float* const average = buffers.average.defined() ? buffers.average.data_ptr<float>() : nullptr;
  at::parallel_for(0, blocks_of(gradient), 16, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t b = from; b < to; ++b) {
      const std::int64_t at = b * block;
      adam_block(step, gradient.data() + at, buffers.parameters.data_ptr<float>() + at,
                 buffers.first.data_ptr<float>() + at, buffers.second.data_ptr<float>() + at,
                 average ? average + at : nullptr, std::min(block, elements - at));
    }
  });
}

double norm_by_operators(const torch::Tensor& values) {
  return torch::linalg_vector_norm(values, 2, std::nullopt, false, torch::kFloat64).item<double>();
}

/// adam_block() on any device.
void step_by_operators(const Step& step, const torch::Tensor& gradient, Buffers buffers) {
  const torch::Tensor scaled = gradient * step.gradient_scale;
  buffers.first.mul_(step.beta1).add_(scaled, 1.0f - step.beta1);
  buffers.second.mul_(step.beta2).addcmul_(scaled, scaled, 1.0f - step.beta2);
  const torch::Tensor root = buffers.second.sqrt().mul_(step.root_correction).add_(step.epsilon);
  buffers.parameters.addcdiv_(buffers.first, root, -step.rate);
  if (buffers.average.defined()) {
    buffers.average.mul_(step.average_decay).add_(buffers.parameters, 1.0f - step.average_decay);
  }
}

}  // namespace

Adam::Adam(torch::Tensor parameters, AdamOptions options)
    : options_(options),
      parameters_(std::move(parameters)),
      first_moment_(torch::zeros_like(parameters_)),
      second_moment_(torch::zeros_like(parameters_)) {
  if (options.average_decay > 0.0) average_ = parameters_.clone();
}

double Adam::update(Span<const float> gradient, double count, double learning_rate, std::int64_t update) {
  torch::Tensor shared;  // the gradient as a tensor, for operators
  if (by_operators()) {
    shared = torch::from_blob(const_cast<float*>(gradient.data()), {static_cast<std::int64_t>(gradient.size())},
                              parameters_.options());
  }
  const double norm = (by_operators() ? norm_by_operators(shared) : norm_of(gradient)) / count;
  const double clip = options_.clip_norm > 0.0 && norm > options_.clip_norm ? options_.clip_norm / norm : 1.0;
  const auto n = static_cast<double>(update);
  Step step{};
  step.gradient_scale = static_cast<float>(clip / count);
  step.beta1 = static_cast<float>(options_.beta1);
  step.beta2 = static_cast<float>(options_.beta2);
  step.rate = static_cast<float>(learning_rate / (1.0 - std::pow(options_.beta1, n)));
  step.root_correction = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(options_.beta2, n)));
  step.epsilon = static_cast<float>(options_.epsilon);
  // Young averages forget faster, so that the initial weights do not linger.
  step.average_decay = static_cast<float>(std::min(options_.average_decay, (1.0 + n) / (10.0 + n)));
  const Buffers buffers{parameters_, first_moment_, second_moment_, average_};
  if (by_operators()) {
    step_by_operators(step, shared, buffers);
  } else {
    step_in_blocks(step, gradient, buffers);
  }
  return norm;
}

std::vector<std::pair<std::string, torch::Tensor>> Adam::state() const {
  std::vector<std::pair<std::string, torch::Tensor>> state{
      {"parameters", parameters_}, {"first_moment", first_moment_}, {"second_moment", second_moment_}};
  if (average_.defined()) state.emplace_back("average", average_);
  return state;
}

}  // namespace rest
