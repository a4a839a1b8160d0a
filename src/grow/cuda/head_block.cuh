#pragma once

#include <cmath>

#include "../../model/cuda/reduce.cuh"
#include "head.hpp"

/// What the kernels that draw share.
namespace rest {

constexpr int head_threads = 128;
static_assert(head_threads == head_block, "one thread a piece of a block");

/// The logits of a block [128] again, minus infinity behind the vocabulary's end: a warp a piece.
template <class Input, class Real>
__device__ void compute_block(const HeadDraws<Input, Real>& all, std::int64_t row, std::int64_t block, Real* logits) {
  const int warp = threadIdx.x / warp_lanes, lane = threadIdx.x % warp_lanes;
  const Input* const hidden = all.hidden + row * all.features;
  for (std::int64_t i = warp; i < head_block; i += head_threads / warp_lanes) {
    const std::int64_t piece = block * head_block + i;
    Real sum = 0;
    if (piece < all.vocabulary) {
      const Input* const weights = all.embedding + piece * all.features;
      for (std::int64_t f = lane; f < all.features; f += warp_lanes) sum += widen(hidden[f]) * widen(weights[f]);
    }
    sum = sum_of_lanes(sum);
    if (lane == 0) logits[i] = piece < all.vocabulary ? sum : static_cast<Real>(-INFINITY);
  }
}

}  // namespace rest
