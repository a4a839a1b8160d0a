#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "../training_operators.hpp"

/// Kernels of the operators in training_operators.hpp. All pointers are to device memory.
namespace rest {

/// Real: float or double; Gradient: the same, or __nv_bfloat16.
template <class Real, class Gradient>
struct CrossEntropyRows {
  std::int64_t tokens, pieces;
  const Real* logits;          // [tokens, pieces]
  const std::int64_t* target;  // [tokens]
  const float* weight;         // [tokens]
  double smoothing;
  Gradient* gradient;  // [tokens, pieces]
  double* sums;        // [tokens, 2]
};

template <class Real, class Gradient>
cudaError_t cross_entropy_rows(const CrossEntropyRows<Real, Gradient>& all, cudaStream_t stream);

/// Compute: float or __nv_bfloat16.
template <class Compute>
struct AdamElements {
  AdamStep step;
  std::int64_t count;
  const float* gradient;
  float *parameters, *first, *second, *average;  // the average may be null
  Compute* compute;                              // may be null
};

template <class Compute>
cudaError_t adam_step(const AdamElements<Compute>& all, cudaStream_t stream);

}  // namespace rest
