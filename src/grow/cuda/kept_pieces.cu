#include <cmath>

#include "head_block.cuh"

namespace rest {
namespace {

constexpr int threads = head_threads, lanes = head_lanes;

/// The pieces of a row that cuts look at, and those they leave. Written by all threads of a block.
template <class Real>
struct Kept {
  // [count]: at first likeliest first, then what is kept, likeliest first, then in ascending order
  Real logit[most_leading_pieces + 1], weight[most_leading_pieces + 1];  // the weight in its block
  int piece[most_leading_pieces + 1];
  double share[most_leading_pieces + 1];  // of the row: the weight times its block's factor
  int count;                       // -1: too few were looked at
  double total;                    // of the kept ones' blocks
};

/// Moves entry i of `from` to place(i).
template <class Real, class Place>
__device__ void reorder(const Kept<Real>& from, int count, Kept<Real>& to, Place place) {
  for (int i = static_cast<int>(threadIdx.x); i < count; i += threads) {
    const int at = place(i);
    to.logit[at] = from.logit[i];
    to.weight[at] = from.weight[i];
    to.piece[at] = from.piece[i];
    to.share[at] = from.share[i];
  }
  __syncthreads();
}

/// The cuts of head_cut.hpp, by one thread: `kept` holds `looked` pieces, likeliest first. `all_there`: the whole
/// vocabulary.
template <class Real>
__device__ void cut(const Cuts& cuts, double total, int looked, bool all_there, Kept<Real>& kept) {
  int count = looked;
  const bool best_k = cuts.top_k > 0;
  kept.count = -1;
  if (looked == 0) return;
  if (best_k) {
    if (cuts.top_k > looked) return;
    count = static_cast<int>(cuts.top_k);
    total = 0.0;
    for (int i = 0; i < count; ++i) total += kept.share[i];
  }
  const bool enough = best_k || all_there;
  if (cuts.top_p < 1.0) {
    const double goal = cuts.top_p * total;
    double sum = 0.0;
    int i = 0;
    while (i < count && (i == 0 || sum < goal)) sum += kept.share[i++];
    if (sum < goal && !enough) return;
    count = i;
    total = sum;
  }
  if (cuts.epsilon > 0.0) {
    const double least = cuts.epsilon * total;
    if (!(cuts.top_p < 1.0) && !enough && kept.share[count - 1] >= least) return;
    int left = 1;  // the best one stays
    for (int i = 1; i < count; ++i) {
      if (kept.share[i] < least) continue;
      kept.logit[left] = kept.logit[i];
      kept.weight[left] = kept.weight[i];
      kept.piece[left] = kept.piece[i];
      kept.share[left++] = kept.share[i];
    }
    count = left;
  }
  kept.count = count;
}

/// Of the kept pieces in ascending order, from `first` on those of one block: -> behind the last. `sum`: of their
/// weights, in the order of the definition.
template <class Real>
__device__ int sum_kept_block(const Kept<Real>& kept, int first, Real& sum) {
  Real lane[lanes] = {};
  int i = first;
  for (; i < kept.count && kept.piece[i] / head_block == kept.piece[first] / head_block; ++i) {
    lane[kept.piece[i] % lanes] += kept.weight[i];
  }
  for (int half = lanes / 2; half > 0; half /= 2) {
    for (int j = 0; j < half; ++j) lane[j] += lane[j + half];
  }
  sum = lane[0];
  return i;
}

/// -> the place of the kept piece that a uniform falls on, by one thread.
template <class Real>
__device__ int draw_kept(const Kept<Real>& kept, const double* factor, double uniform) {
  const double target = uniform * kept.total;
  double before = 0.0;
  for (int first = 0, last; first < kept.count; first = last) {
    Real sum;
    last = sum_kept_block(kept, first, sum);
    const double of_block = factor[kept.piece[first] / head_block], behind = before + of_block * sum;
    if (behind <= target && behind < kept.total) {  // rounding: the last block with weight
      before = behind;
      continue;
    }
    const double left = (target - before) / of_block;
    double running = 0.0;
    for (int i = first; i < last; ++i) {
      running += static_cast<double>(kept.weight[i]);
      if (running > left) return i;
    }
    while (last - 1 > first && kept.weight[last - 1] == 0) --last;
    return last - 1;
  }
  return kept.count - 1;
}

/// Looks at a row's leading pieces and leaves those to be kept, ascending, in `kept`; `other` is memory.
template <class Input, class Real>
__device__ void keep(const HeadDraws<Input, Real>& all, const Leading<Real>& leading, const Cuts& cuts,
                     std::int64_t row, Kept<Real>& kept, Kept<Real>& other) {
  const Real* const logits = leading.logits + row * leading.count;
  const std::int64_t* const pieces = leading.pieces + row * leading.count;
  const double* const factor = all.joined.factor + row * all.blocks;
  const auto inverse_temperature = static_cast<Real>(1.0 / all.temperature);
  const int count = static_cast<int>(leading.count);
  for (int i = static_cast<int>(threadIdx.x); i < count; i += threads) {
    const std::int64_t block = pieces[i] / head_block;
    other.logit[i] = logits[i];
    other.piece[i] = static_cast<int>(pieces[i]);
    other.weight[i] = exponential((logits[i] - all.sums[row * all.blocks + block].max) * inverse_temperature);
    other.share[i] = factor[block] * static_cast<double>(other.weight[i]);
  }
  __syncthreads();
  reorder(other, count, kept, [&](int i) {
    int before = 0;
    for (int j = 0; j < count; ++j) {
      const bool better =
          other.logit[j] > other.logit[i] || (other.logit[j] == other.logit[i] && other.piece[j] < other.piece[i]);
      before += better ? 1 : 0;
    }
    return before;
  });
  const bool all_there = leading.count == all.vocabulary;
  if (threadIdx.x == 0) {
    int looked = count;
    // Pieces that are not there may be as likely as the last one, no likelier.
    while (!all_there && looked > 0 && kept.logit[looked - 1] == kept.logit[count - 1]) --looked;
    cut(cuts, all.joined.cumulative[(row + 1) * all.blocks - 1], looked, all_there, kept);
    other.count = kept.count;
  }
  __syncthreads();
  reorder(kept, kept.count, other, [&](int i) {
    int before = 0;
    for (int j = 0; j < kept.count; ++j) before += kept.piece[j] < kept.piece[i] ? 1 : 0;
    return before;
  });
  if (threadIdx.x != 0) return;
  other.total = 0.0;
  for (int first = 0, last; first < other.count; first = last) {
    Real sum;
    last = sum_kept_block(other, first, sum);
    other.total += factor[other.piece[first] / head_block] * static_cast<double>(sum);
  }
}

/// A thread block a draw.
template <class Input, class Real>
__global__ void draw_kept_kernel(HeadDraws<Input, Real> all, Leading<Real> leading, Cuts cuts) {
  __shared__ Kept<Real> looked, kept;
  __shared__ Real logits[head_block];
  __shared__ int chosen;
  const double* const draw = all.draws + 3 * static_cast<std::int64_t>(blockIdx.x);
  double* const result = all.results + 3 * static_cast<std::int64_t>(blockIdx.x);
  const auto row = static_cast<std::int64_t>(draw[0]), asked = static_cast<std::int64_t>(draw[2]);
  const RowTotals totals = all.joined.rows[row];
  if (!isfinite(totals.log_normaliser)) {
    if (threadIdx.x == 0) result[1] = static_cast<double>(NAN);
    return;
  }
  keep(all, leading, cuts, row, looked, kept);
  if (threadIdx.x == 0 && kept.count > 0) {
    chosen = asked < 0 ? draw_kept(kept, all.joined.factor + row * all.blocks, draw[1]) : kept.count - 1;
    while (asked >= 0 && chosen >= 0 && !(kept.piece[chosen] == asked && kept.weight[chosen] > 0)) --chosen;
  }
  __syncthreads();
  if (kept.count > 0 && chosen < 0) compute_block(all, row, asked / head_block, logits);  // it was cut
  __syncthreads();
  if (threadIdx.x != 0) return;
  if (kept.count < 0) {
    result[0] = -1.0;
    result[1] = result[2] = 0.0;
  } else if (chosen < 0) {
    result[0] = static_cast<double>(asked);
    result[1] = static_cast<double>(logits[asked % head_block]) - totals.log_normaliser;
    result[2] = static_cast<double>(-INFINITY);
  } else {
    const auto logit = static_cast<double>(kept.logit[chosen]);
    result[0] = static_cast<double>(kept.piece[chosen]);
    result[1] = logit - totals.log_normaliser;
    result[2] = (logit - totals.max) / all.temperature - log(kept.total);
  }
}

}  // namespace

template <class Input, class Real>
cudaError_t draw_kept_pieces(const HeadDraws<Input, Real>& all, const Leading<Real>& leading, const Cuts& cuts,
                             std::int64_t n, cudaStream_t stream) {
  if (n == 0) return cudaSuccess;
  draw_kept_kernel<<<static_cast<unsigned>(n), threads, 0, stream>>>(all, leading, cuts);
  return cudaGetLastError();
}

template cudaError_t draw_kept_pieces(const HeadDraws<float, float>&, const Leading<float>&, const Cuts&, std::int64_t,
                                      cudaStream_t);
template cudaError_t draw_kept_pieces(const HeadDraws<double, double>&, const Leading<double>&, const Cuts&,
                                      std::int64_t, cudaStream_t);
template cudaError_t draw_kept_pieces(const HeadDraws<__nv_bfloat16, float>&, const Leading<float>&, const Cuts&,
                                      std::int64_t, cudaStream_t);

}  // namespace rest
