#include "rest/train/adam.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "../model/vector_rows.hpp"
#include "training_operators.hpp"

namespace rest {
namespace {

/// Stays in the first level of the cache from one loop to the next; divides a bucket.
constexpr std::int64_t block = 4096;

REST_CLONES void adam_block(const AdamStep& step, const float* gradient, float* __restrict parameter,
                            float* __restrict first, float* __restrict second, float* __restrict average,
                            std::int64_t count) {
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

REST_CLONES void to_bfloat16(const float* __restrict values, std::uint16_t* __restrict rounded, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) rounded[i] = bfloat16_bits(values[i]);
}

void write_compute(const AdamBuffers& buffers, std::int64_t own, std::int64_t place, std::int64_t count) {
  const float* const parameters = buffers.parameters.data_ptr<float>() + own;
  if (buffers.compute.scalar_type() == torch::kFloat32) {
    std::copy_n(parameters, count, buffers.compute.data_ptr<float>() + place);
  } else {
    to_bfloat16(parameters, static_cast<std::uint16_t*>(buffers.compute.data_ptr()) + place, count);
  }
}

void step_in_blocks(const AdamStep& step, const float* gradient, const Shard& shard, const AdamBuffers& buffers) {
  const std::int64_t elements = buffers.parameters.numel(), blocks = (elements + block - 1) / block;
  float* const average = buffers.average.defined() ? buffers.average.data_ptr<float>() : nullptr;
  at::parallel_for(0, blocks, 16, [&](std::int64_t from, std::int64_t to) {
    for (std::int64_t b = from; b < to; ++b) {
      const std::int64_t at = b * block, place = shard.place(at), count = std::min(block, elements - at);
      adam_block(step, gradient + place, buffers.parameters.data_ptr<float>() + at,
                 buffers.first.data_ptr<float>() + at, buffers.second.data_ptr<float>() + at,
                 average ? average + at : nullptr, count);
      if (buffers.compute.defined()) write_compute(buffers, at, place, count);
    }
  });
}

}  // namespace

Adam::Adam(const torch::Tensor& parameters, AdamOptions options, Shard shard)
    : options_(options),
      shard_(shard),
      parameters_(shard.of(parameters)),
      first_moment_(torch::zeros_like(parameters_)),
      second_moment_(torch::zeros_like(parameters_)) {
  if (options.average_decay > 0.0) average_ = parameters_.clone();
}

double Adam::update(const GradientSum& gradient, double count, double learning_rate, std::int64_t update,
                    const torch::Tensor& compute) {
  const torch::Tensor sums =
      torch::from_blob(const_cast<float*>(gradient.values.data()), {static_cast<std::int64_t>(gradient.values.size())},
                       parameters_.options());
  const double norm =
      (gradient.square_sum ? std::sqrt(*gradient.square_sum)
                           : torch::linalg_vector_norm(sums, 2, std::nullopt, false, torch::kFloat64).item<double>()) /
      count;
  const double clip = options_.clip_norm > 0.0 && norm > options_.clip_norm ? options_.clip_norm / norm : 1.0;
  const auto n = static_cast<double>(update);
  AdamStep step{};
  step.gradient_scale = static_cast<float>(clip / count);
  step.beta1 = static_cast<float>(options_.beta1);
  step.beta2 = static_cast<float>(options_.beta2);
  step.rate = static_cast<float>(learning_rate / (1.0 - std::pow(options_.beta1, n)));
  step.root_correction = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(options_.beta2, n)));
  step.epsilon = static_cast<float>(options_.epsilon);
  // Young averages forget faster, so that the initial weights do not linger.
  step.average_decay = static_cast<float>(std::min(options_.average_decay, (1.0 + n) / (10.0 + n)));
  AdamBuffers buffers{parameters_, first_moment_, second_moment_, average_, compute};
  if (!by_operators()) {
    step_in_blocks(step, gradient.values.data(), shard_, buffers);
    return norm;
  }
  if (!shard_.is_whole()) buffers.compute.reset();
  adam_step(step, shard_.of(sums), buffers);
  if (!shard_.is_whole() && compute.defined()) shard_.put(parameters_, compute);
  return norm;
}

std::vector<std::pair<std::string, torch::Tensor>> Adam::state() const {
  std::vector<std::pair<std::string, torch::Tensor>> state{
      {"parameters", parameters_}, {"first_moment", first_moment_}, {"second_moment", second_moment_}};
  if (average_.defined()) state.emplace_back("average", average_);
  return state;
}

}  // namespace rest
