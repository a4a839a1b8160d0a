#pragma once

#include <cuda_bf16.h>

#include <cstdint>

/// What the kernels share.
namespace rest {

constexpr int warp_lanes = 32;
constexpr unsigned whole_warp = 0xFFFFFFFFu;

__device__ inline float exponential(float x) { return expf(x); }
__device__ inline double exponential(double x) { return exp(x); }

__device__ inline float widen(float x) { return x; }
__device__ inline double widen(double x) { return x; }
__device__ inline float widen(__nv_bfloat16 x) { return __bfloat162float(x); }

__device__ inline void narrow(float x, float& out) { out = x; }
__device__ inline void narrow(double x, double& out) { out = x; }
__device__ inline void narrow(float x, __nv_bfloat16& out) { out = __float2bfloat16(x); }

/// The larger; the second when the first is NaN.
template <class Real>
__device__ Real larger(Real a, Real b) {
  return a > b ? a : b;
}

/// The largest and the sum of groups of `Lanes` neighbours, in all of them: x of lane j and j + Lanes / 2 first.
template <int Lanes = warp_lanes, class Real>
__device__ Real largest_of_lanes(Real x) {
  for (int apart = Lanes / 2; apart > 0; apart /= 2) x = larger(x, __shfl_xor_sync(whole_warp, x, apart, Lanes));
  return x;
}
template <int Lanes = warp_lanes, class Real>
__device__ Real sum_of_lanes(Real x) {
  for (int apart = Lanes / 2; apart > 0; apart /= 2) x += __shfl_xor_sync(whole_warp, x, apart, Lanes);
  return x;
}

/// The largest and the sum over a thread block of `Threads`, in all threads. To be called by all of them.
template <int Threads, class Real>
__device__ Real largest_of_block(Real x) {
  __shared__ Real of_warps[Threads / warp_lanes];
  x = largest_of_lanes(x);
  if (threadIdx.x % warp_lanes == 0) of_warps[threadIdx.x / warp_lanes] = x;
  __syncthreads();
  for (int warp = 0; warp < Threads / warp_lanes; ++warp) x = larger(x, of_warps[warp]);
  __syncthreads();  // of_warps may be used again
  return x;
}
template <int Threads, class Real>
__device__ Real sum_of_block(Real x) {
  __shared__ Real of_warps[Threads / warp_lanes];
  x = sum_of_lanes(x);
  if (threadIdx.x % warp_lanes == 0) of_warps[threadIdx.x / warp_lanes] = x;
  __syncthreads();
  Real sum = 0;
  for (int warp = 0; warp < Threads / warp_lanes; ++warp) sum += of_warps[warp];
  __syncthreads();
  return sum;
}

}  // namespace rest
