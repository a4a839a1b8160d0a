#include <cmath>

#include "attention.hpp"
#include "reduce.cuh"

namespace rest {
namespace {

/// A thread block computes one head of one row, positions a tile at a time with a running softmax: any length, and
/// nothing of a size that depends on it.
constexpr int threads = 128, tile = threads, warps = threads / warp_lanes;

template <class Type>
using Computed = decltype(widen(Type{}));

/// One head's keys and values of a path through the tree.
template <class Type>
struct PathView {
  const Type* table;            // the head's first key; [nodes, stride]
  const std::int64_t* path;     // [length]
  std::int64_t stride, hidden;  // hidden: from key to value
  std::int64_t length;

  /// scores [count] of positions `first` and up: a warp a position.
  template <class Real>
  __device__ void score(const Real* query, int head_dim, std::int64_t first, int count, Real* scores) const {
    const int lane = threadIdx.x % warp_lanes;
    for (int t = threadIdx.x / warp_lanes; t < count; t += warps) {
      const Type* const key = table + path[first + t] * stride;
      Real sum = 0;
      for (int d = lane; d < head_dim; d += warp_lanes) sum += query[d] * widen(key[d]);
      sum = sum_of_lanes(sum);
      if (lane == 0) scores[t] = sum;
    }
  }
  __device__ Computed<Type> value(std::int64_t t, int d, int /*head_dim*/) const {
    return widen(table[path[t] * stride + hidden + d]);
  }
};

/// One head's keys [head_dim, padded] and values [padded, head_dim] of a source.
template <class Type>
struct SourceView {
  const Type *keys, *values;
  std::int64_t padded;
  std::int64_t length;

  /// A thread a position.
  template <class Real>
  __device__ void score(const Real* query, int head_dim, std::int64_t first, int count, Real* scores) const {
    const int t = static_cast<int>(threadIdx.x);
    if (t >= count) return;
    Real sum = 0;
    for (int d = 0; d < head_dim; ++d) sum += query[d] * widen(keys[d * padded + first + t]);
    scores[t] = sum;
  }
  __device__ Computed<Type> value(std::int64_t t, int d, int head_dim) const { return widen(values[t * head_dim + d]); }
};

/// Threads that share a feature when the values are added up, each taking every `parts`th position.
struct Parts {
  int width, parts;  // width: head_dim in whole warps
  __host__ __device__ explicit Parts(int head_dim)
      : width((head_dim + warp_lanes - 1) / warp_lanes * warp_lanes), parts(width >= threads ? 1 : threads / width) {}
};

/// Memory that a thread block shares, of the size its launch names: head_dim numbers, then parts * width.
template <class Real>
struct Shared {
  Real *query, *sums;
  __device__ explicit Shared(int head_dim) {
    extern __shared__ __align__(16) unsigned char memory[];
    query = reinterpret_cast<Real*>(memory);
    sums = query + head_dim;
  }
  static std::size_t bytes(int head_dim) {
    const Parts parts(head_dim);
    return sizeof(Real) * static_cast<std::size_t>(head_dim + parts.parts * parts.width);
  }
};

template <class Real, class View>
__device__ void add_values(const View& over, int head_dim, std::int64_t first, int count, const Real* weights,
                           Real rescale, Real* sums) {
  const Parts parts(head_dim);
  for (int place = threadIdx.x; place < parts.parts * parts.width; place += threads) {
    const int part = place / parts.width, d = place % parts.width;
    if (d >= head_dim) continue;
    Real sum = sums[place] * rescale;
    for (int t = part; t < count; t += parts.parts) sum += weights[t] * over.value(first + t, d, head_dim);
    sums[place] = sum;
  }
}

/// Scaled dot-product attention of query [head_dim] -> out [head_dim]; zeros over nothing.
template <class Type, class View>
__device__ void attend(const Type* query, const View& over, int head_dim, Type* out) {
  using Real = Computed<Type>;
  __shared__ Real scores[tile];
  const Shared<Real> shared(head_dim);
  const Parts parts(head_dim);
  const int thread = static_cast<int>(threadIdx.x);
  const Real scale = 1 / sqrt(static_cast<Real>(head_dim));
  for (int d = thread; d < head_dim; d += threads) shared.query[d] = widen(query[d]) * scale;
  for (int place = thread; place < parts.parts * parts.width; place += threads) shared.sums[place] = 0;
  __syncthreads();

  Real max = -INFINITY, total = 0;
  for (std::int64_t first = 0; first < over.length; first += tile) {
    const int count = static_cast<int>(over.length - first < tile ? over.length - first : tile);
    over.score(shared.query, head_dim, first, count, scores);
    __syncthreads();
    const Real score = thread < count ? scores[thread] : static_cast<Real>(-INFINITY);
    const Real new_max = larger(largest_of_block<threads>(score), max);
    const Real rescale = exponential(max - new_max), weight = exponential(score - new_max);
    max = new_max;
    if (thread < count) scores[thread] = weight;
    total = total * rescale + sum_of_block<threads>(weight);  // which also waits for all scores
    add_values(over, head_dim, first, count, scores, rescale, shared.sums);
    __syncthreads();
  }
  for (int d = thread; d < head_dim; d += threads) {
    Real sum = 0;
    for (int part = 0; part < parts.parts; ++part) sum += shared.sums[part * parts.width + d];
    narrow(over.length > 0 ? sum / total : 0, out[d]);
  }
}

template <class Type>
__global__ void tree_kernel(TreeAttention<Type> all) {
  const std::int64_t row = blockIdx.x, of_head = blockIdx.y * all.head_dim, hidden = all.heads * all.head_dim;
  const std::int64_t* const path = all.paths + all.offsets[row];
  const std::int64_t length = all.offsets[row + 1] - all.offsets[row];
  const Type* const query = all.qkv + row * 3 * hidden + of_head;
  if (length > 0) {  // only this row's blocks look at its own node in this step
    Type* const own = all.cache + path[length - 1] * 2 * hidden + of_head;
    for (std::int64_t d = threadIdx.x; d < all.head_dim; d += threads) {
      own[d] = query[hidden + d];
      own[hidden + d] = query[2 * hidden + d];
    }
  }
  __syncthreads();
  const PathView<Type> over{all.cache + of_head, path, 2 * hidden, hidden, length};
  attend(query, over, static_cast<int>(all.head_dim), all.out + row * hidden + of_head);
}

template <class Type>
__global__ void source_kernel(SourceAttention<Type> all) {
  const std::int64_t row = blockIdx.x, head = blockIdx.y, hidden = all.heads * all.head_dim;
  const SourcePlace place = all.places[row];
  const std::int64_t of_head = head * all.head_dim * place.padded;
  const SourceView<Type> over{reinterpret_cast<const Type*>(place.keys) + of_head,
                              reinterpret_cast<const Type*>(place.values) + of_head, place.padded, place.length};
  attend(all.query + row * hidden + head * all.head_dim, over, static_cast<int>(all.head_dim),
         all.out + row * hidden + head * all.head_dim);
}

dim3 row_heads(std::int64_t rows, std::int64_t heads) {
  return dim3(static_cast<unsigned>(rows), static_cast<unsigned>(heads));
}

}  // namespace

template <class Type>
cudaError_t tree_attention(const TreeAttention<Type>& all, cudaStream_t stream) {
  if (all.rows == 0) return cudaSuccess;
  const dim3 grid = row_heads(all.rows, all.heads);
  const std::size_t shared = Shared<Computed<Type>>::bytes(static_cast<int>(all.head_dim));
  tree_kernel<<<grid, threads, shared, stream>>>(all);
  return cudaGetLastError();
}

template <class Type>
cudaError_t source_attention(const SourceAttention<Type>& all, cudaStream_t stream) {
  if (all.rows == 0) return cudaSuccess;
  const dim3 grid = row_heads(all.rows, all.heads);
  const std::size_t shared = Shared<Computed<Type>>::bytes(static_cast<int>(all.head_dim));
  source_kernel<<<grid, threads, shared, stream>>>(all);
  return cudaGetLastError();
}

template cudaError_t tree_attention(const TreeAttention<float>&, cudaStream_t);
template cudaError_t tree_attention(const TreeAttention<double>&, cudaStream_t);
template cudaError_t tree_attention(const TreeAttention<__nv_bfloat16>&, cudaStream_t);
template cudaError_t source_attention(const SourceAttention<float>&, cudaStream_t);
template cudaError_t source_attention(const SourceAttention<double>&, cudaStream_t);
template cudaError_t source_attention(const SourceAttention<__nv_bfloat16>&, cudaStream_t);

}  // namespace rest
