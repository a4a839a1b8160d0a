#include <cmath>

#include "head_block.cuh"

namespace rest {
namespace {

constexpr int threads = head_threads, lanes = head_lanes, per_lane = head_block / head_lanes;

/// 16 threads a block of pieces: thread j is lane j of the definition. Adding lanes j and j + 8 in both of them gives
/// lane 0 the defined sum.
template <class Real>
__global__ void sum_kernel(const Real* logits, std::int64_t rows, std::int64_t pieces, Real inverse_temperature,
                           BlockSums<Real>* sums, std::int64_t sums_stride) {
  const std::int64_t blocks = (pieces + head_block - 1) / head_block;
  const std::int64_t index = (static_cast<std::int64_t>(blockIdx.x) * threads + threadIdx.x) / lanes;
  const int lane = threadIdx.x % lanes;
  const bool exists = index < rows * blocks;  // those that do not go along: shuffles need whole warps
  const std::int64_t row = exists ? index / blocks : 0, block = exists ? index % blocks : 0;

  Real logit[per_lane], max = -INFINITY;
  for (int i = 0; i < per_lane; ++i) {
    const std::int64_t piece = block * head_block + i * lanes + lane;
    logit[i] = piece < pieces ? logits[row * pieces + piece] : static_cast<Real>(-INFINITY);  // weighs nothing
    max = larger(logit[i], max);
  }
  max = largest_of_lanes<lanes>(max);
  Real sum = 0, sum_at_1 = 0;
  for (int i = 0; i < per_lane; ++i) {
    const Real below = logit[i] - max;
    sum_at_1 += exponential(below);
    if (inverse_temperature != 0) sum += exponential(below * inverse_temperature);
  }
  sum = sum_of_lanes<lanes>(sum);
  sum_at_1 = sum_of_lanes<lanes>(sum_at_1);
  if (exists && lane == 0) sums[row * sums_stride + block] = {max, sum, sum_at_1};
}

constexpr int joined_together = 1024;

/// Running sums in place, in order; -> the last.
__device__ double add_up(double* values, int count, double sum) {
  for (int i = 0; i < count; ++i) values[i] = sum += values[i];
  return sum;
}

/// A thread block a row. The sums are made in order by one thread each, as the definition wants.
template <class Real>
__global__ void join_kernel(const BlockSums<Real>* sums, std::int64_t blocks, double temperature, JoinedBlocks joined) {
  __shared__ double share[joined_together], share_at_1[joined_together];
  const std::int64_t row = blockIdx.x;
  const int thread = static_cast<int>(threadIdx.x);
  const BlockSums<Real>* const of_row = sums + row * blocks;
  const bool tempered = temperature != 0.0;
  const Real inverse_temperature = tempered ? static_cast<Real>(1.0 / temperature) : 0;

  Real max = -INFINITY;
  for (std::int64_t b = thread; b < blocks; b += threads) max = larger(of_row[b].max, max);
  max = largest_of_block<threads>(max);

  double sum = 0.0;  // of thread 0 and of the first thread of the second warp
  for (std::int64_t first = 0; first < blocks; first += joined_together) {
    const int count = static_cast<int>(blocks - first < joined_together ? blocks - first : joined_together);
    for (int i = thread; i < count; i += threads) {
      const BlockSums<Real> block = of_row[first + i];
      const Real below = block.max - max;
      share_at_1[i] = static_cast<double>(exponential(below)) * static_cast<double>(block.sum_at_1);
      if (!tempered) continue;
      const auto factor = static_cast<double>(exponential(below * inverse_temperature));
      joined.factor[row * blocks + first + i] = factor;
      share[i] = factor * static_cast<double>(block.sum);
    }
    __syncthreads();
    if (thread == 0 && tempered) sum = add_up(share, count, sum);
    if (thread == warp_lanes) sum = add_up(share_at_1, count, sum);
    __syncthreads();
    for (int i = thread; i < count && tempered; i += threads) joined.cumulative[row * blocks + first + i] = share[i];
    __syncthreads();
  }
  if (thread == warp_lanes) {
    const bool finite = isfinite(max) && isfinite(sum);
    const auto largest = static_cast<double>(max);
    joined.rows[row] = {largest, finite ? largest + log(sum) : static_cast<double>(NAN)};
  }
}

/// The first of [blocks] ascending numbers that is above `bound`; `blocks` when none is.
__device__ std::int64_t first_above(const double* numbers, std::int64_t blocks, double bound) {
  std::int64_t low = 0, high = blocks;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (numbers[middle] > bound) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

struct BlockPlace {
  std::int64_t block;
  double left;
};

__device__ BlockPlace draw_block(double uniform, const double* factor, const double* cumulative, std::int64_t blocks) {
  const double total = cumulative[blocks - 1], target = uniform * total;
  std::int64_t block = first_above(cumulative, blocks, target);
  if (block >= blocks) {  // rounding, or NaN: the last block with weight
    block = blocks - 1;
    while (block > 0 && cumulative[block - 1] == total) --block;
  }
  return {block, (target - (block == 0 ? 0.0 : cumulative[block - 1])) / factor[block]};
}

template <class Real>
__device__ std::int64_t block_of_largest(const BlockSums<Real>* sums, std::int64_t blocks, double max) {
  for (std::int64_t b = 0; b < blocks; ++b) {
    if (static_cast<double>(sums[b].max) == max) return b;
  }
  return 0;
}

template <class Input, class Real>
__device__ BlockPlace place(const HeadDraws<Input, Real>& all, std::int64_t row, double uniform, std::int64_t piece) {
  if (piece >= 0) return {piece / head_block, 0.0};
  const std::int64_t first = row * all.blocks;
  if (all.temperature == 0.0) return {block_of_largest(all.sums + first, all.blocks, all.joined.rows[row].max), 0.0};
  return draw_block(uniform, all.joined.factor + first, all.joined.cumulative + first, all.blocks);
}

template <class Real>
__device__ std::int64_t draw_piece(const Real* weights, double left) {
  double running = 0.0;
  for (std::int64_t i = 0; i < head_block; ++i) {
    running += static_cast<double>(weights[i]);
    if (running > left) return i;
  }
  std::int64_t last = head_block - 1;
  while (last > 0 && weights[last] == 0) --last;
  return last;
}

/// What a draw's row says of a piece's logit.
template <class Input, class Real>
__device__ double sampling_log_prob(const HeadDraws<Input, Real>& all, std::int64_t row, double logit, bool likeliest) {
  const double max = all.joined.rows[row].max;
  if (all.temperature == 0.0)
    return likeliest && logit >= max - 1e-5 * fabs(max) ? 0.0 : static_cast<double>(-INFINITY);
  return (logit - max) / all.temperature - log(all.joined.cumulative[(row + 1) * all.blocks - 1]);
}

/// A thread block a draw.
template <class Input, class Real>
__global__ void draw_kernel(HeadDraws<Input, Real> all) {
  __shared__ Real logits[head_block], weights[head_block];
  __shared__ BlockPlace placed;
  const double* const draw = all.draws + 3 * static_cast<std::int64_t>(blockIdx.x);
  const auto row = static_cast<std::int64_t>(draw[0]), asked = static_cast<std::int64_t>(draw[2]);
  const bool greedy = all.temperature == 0.0;
  if (threadIdx.x == 0) placed = place(all, row, draw[1], asked);
  __syncthreads();
  compute_block(all, row, placed.block, logits);
  __syncthreads();
  const Real logit = logits[threadIdx.x], max = largest_of_block<threads>(logit);
  weights[threadIdx.x] =
      greedy ? (logit == max ? 1 : 0) : exponential((logit - max) * static_cast<Real>(1.0 / all.temperature));
  __syncthreads();
  if (threadIdx.x != 0) return;
  const std::int64_t first = placed.block * head_block;
  const std::int64_t drawn = draw_piece(weights, placed.left);  // greedy: left is 0, so the first of equal maxima
  const std::int64_t within = asked >= 0 ? asked - first : drawn;
  const auto chosen = static_cast<double>(logits[within]);
  double* const result = all.results + 3 * static_cast<std::int64_t>(blockIdx.x);
  result[0] = static_cast<double>(first + within);
  result[1] = chosen - all.joined.rows[row].log_normaliser;
  result[2] = sampling_log_prob(all, row, chosen, within == drawn);
}

}  // namespace

template <class Real>
cudaError_t sum_head_blocks(const Real* logits, std::int64_t rows, std::int64_t pieces, Real inverse_temperature,
                            BlockSums<Real>* sums, std::int64_t sums_stride, cudaStream_t stream) {
  const std::int64_t needed = rows * head_blocks(pieces) * lanes;
  if (needed == 0) return cudaSuccess;
  const auto grid = static_cast<unsigned>((needed + threads - 1) / threads);
  sum_kernel<<<grid, threads, 0, stream>>>(logits, rows, pieces, inverse_temperature, sums, sums_stride);
  return cudaGetLastError();
}

template <class Real>
cudaError_t join_head_blocks(const BlockSums<Real>* sums, std::int64_t rows, std::int64_t blocks, double temperature,
                             const JoinedBlocks& joined, cudaStream_t stream) {
  if (rows == 0) return cudaSuccess;
  join_kernel<<<static_cast<unsigned>(rows), threads, 0, stream>>>(sums, blocks, temperature, joined);
  return cudaGetLastError();
}

template <class Input, class Real>
cudaError_t draw_pieces(const HeadDraws<Input, Real>& all, std::int64_t n, cudaStream_t stream) {
  if (n == 0) return cudaSuccess;
  draw_kernel<<<static_cast<unsigned>(n), threads, 0, stream>>>(all);
  return cudaGetLastError();
}

template cudaError_t sum_head_blocks(const float*, std::int64_t, std::int64_t, float, BlockSums<float>*, std::int64_t,
                                     cudaStream_t);
template cudaError_t sum_head_blocks(const double*, std::int64_t, std::int64_t, double, BlockSums<double>*,
                                     std::int64_t, cudaStream_t);
template cudaError_t join_head_blocks(const BlockSums<float>*, std::int64_t, std::int64_t, double, const JoinedBlocks&,
                                      cudaStream_t);
template cudaError_t join_head_blocks(const BlockSums<double>*, std::int64_t, std::int64_t, double, const JoinedBlocks&,
                                      cudaStream_t);
template cudaError_t draw_pieces(const HeadDraws<float, float>&, std::int64_t, cudaStream_t);
template cudaError_t draw_pieces(const HeadDraws<double, double>&, std::int64_t, cudaStream_t);
template cudaError_t draw_pieces(const HeadDraws<__nv_bfloat16, float>&, std::int64_t, cudaStream_t);

}  // namespace rest
