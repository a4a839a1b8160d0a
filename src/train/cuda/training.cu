#include <cmath>

#include "../../model/cuda/reduce.cuh"
#include "training.hpp"

namespace rest {
namespace {

constexpr int row_threads = 512;

/// A thread block a token: one pass over its logits for their largest and the sum of exponentials, one for the
/// gradient.
template <class Real, class Gradient>
__global__ void cross_entropy_kernel(CrossEntropyRows<Real, Gradient> all) {
  const std::int64_t token = blockIdx.x, pieces = all.pieces;
  const Real* const logits = all.logits + token * pieces;
  Real max = -INFINITY, sum = 0;
  double plain = 0.0;
  for (std::int64_t i = threadIdx.x; i < pieces; i += row_threads) {
    const Real logit = logits[i];
    if (logit > max) {
      sum *= exponential(max - logit);
      max = logit;
    }
    sum += exponential(logit - max);
    plain += static_cast<double>(logit);
  }
  const Real largest = largest_of_block<row_threads>(max);
  // A thread without pieces has no largest either.
  const double own =
      max == -INFINITY ? 0.0 : static_cast<double>(sum) * static_cast<double>(exponential(max - largest));
  const double total = sum_of_block<row_threads>(own);
  plain = sum_of_block<row_threads>(plain);

  const std::int64_t target = all.target[token];
  const auto weight = static_cast<double>(all.weight[token]);
  const auto scale = static_cast<Real>(weight / total);
  const auto spread = static_cast<Real>(weight * all.smoothing / static_cast<double>(pieces));
  const auto at_target = static_cast<Real>(weight * (1.0 - all.smoothing));
  for (std::int64_t i = threadIdx.x; i < pieces; i += row_threads) {
    const Real of_piece = exponential(logits[i] - largest) * scale - spread;
    narrow(i == target ? of_piece - at_target : of_piece, all.gradient[token * pieces + i]);
  }
  if (threadIdx.x != 0) return;
  const double normaliser = static_cast<double>(largest) + log(total);
  const double nll = normaliser - static_cast<double>(logits[target]);
  const double even = normaliser - plain / static_cast<double>(pieces);
  all.sums[2 * token] = weight * ((1.0 - all.smoothing) * nll + all.smoothing * even);
  all.sums[2 * token + 1] = weight * nll;
}

template <class Compute>
__global__ void adam_kernel(AdamElements<Compute> all) {
  const AdamStep step = all.step;
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < all.count; i += stride) {
    const float gradient = all.gradient[i] * step.gradient_scale;
    const float first = step.beta1 * all.first[i] + (1.0f - step.beta1) * gradient;
    const float second = step.beta2 * all.second[i] + (1.0f - step.beta2) * gradient * gradient;
    const float parameter =
        all.parameters[i] - step.rate * first / (sqrtf(second) * step.root_correction + step.epsilon);
    all.first[i] = first;
    all.second[i] = second;
    all.parameters[i] = parameter;
    if (all.average) all.average[i] = step.average_decay * all.average[i] + (1.0f - step.average_decay) * parameter;
    if (all.compute) narrow(parameter, all.compute[i]);
  }
}

}  // namespace

template <class Real, class Gradient>
cudaError_t cross_entropy_rows(const CrossEntropyRows<Real, Gradient>& all, cudaStream_t stream) {
  if (all.tokens == 0) return cudaSuccess;
  cross_entropy_kernel<<<static_cast<unsigned>(all.tokens), row_threads, 0, stream>>>(all);
  return cudaGetLastError();
}

template <class Compute>
cudaError_t adam_step(const AdamElements<Compute>& all, cudaStream_t stream) {
  constexpr std::int64_t threads = 256, most_blocks = 16384;
  if (all.count == 0) return cudaSuccess;
  const std::int64_t blocks = (all.count + threads - 1) / threads;
  adam_kernel<<<static_cast<unsigned>(blocks < most_blocks ? blocks : most_blocks), static_cast<unsigned>(threads), 0,
                stream>>>(all);
  return cudaGetLastError();
}

template cudaError_t cross_entropy_rows(const CrossEntropyRows<float, float>&, cudaStream_t);
template cudaError_t cross_entropy_rows(const CrossEntropyRows<float, __nv_bfloat16>&, cudaStream_t);
template cudaError_t cross_entropy_rows(const CrossEntropyRows<double, double>&, cudaStream_t);
template cudaError_t adam_step(const AdamElements<float>&, cudaStream_t);
template cudaError_t adam_step(const AdamElements<__nv_bfloat16>&, cudaStream_t);

}  // namespace rest
