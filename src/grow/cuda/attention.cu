#include <cmath>

#include "../../model/cuda/reduce.cuh"
#include "attention.hpp"

namespace rest {
namespace {

/// A warp computes one head of one row, a tile of positions at a time with a running softmax: any length, and nothing
/// of a size that depends on it. The warps of a thread block have neighbouring rows, which mostly look at the same
/// source, in the same head.
constexpr int warps = 4, tile = warp_lanes;

/// Elements that a lane reads at once.
template <class Type>
constexpr int per_load = 16 / sizeof(Type);

template <class Type>
using Computed = decltype(widen(Type{}));

template <class Type>
struct alignas(16) Load {
  Type values[per_load<Type>];
};

/// The features of a head dealt out to lanes in loads: lane j of a group has loads j, j + group, ...; a warp has as
/// many groups as fit.
struct Dealt {
  int group, groups;
  __device__ explicit Dealt(int loads) : group(1) {
    while (group < loads && group < warp_lanes) group *= 2;
    groups = warp_lanes / group;
  }
};

/// Features [first, first + per_load) of a row of `head_dim`, 0 behind its end. `whole`: all loads are, and aligned.
template <class Type>
__device__ void load(const Type* row, int first, int head_dim, bool whole, Computed<Type>* out) {
  if (whole && first < head_dim) {
    const Load<Type> loaded = *reinterpret_cast<const Load<Type>*>(row + first);
#pragma unroll
    for (int e = 0; e < per_load<Type>; ++e) out[e] = widen(loaded.values[e]);
    return;
  }
#pragma unroll
  for (int e = 0; e < per_load<Type>; ++e) out[e] = first + e < head_dim ? widen(row[first + e]) : Computed<Type>(0);
}

/// One head's keys and values of a path through the tree.
template <class Type>
struct PathView {
  const Type* table;            // the head's first key; [nodes, stride]
  const std::int64_t* path;     // [length]
  std::int64_t stride, hidden;  // hidden: from key to value
  std::int64_t length;

  /// scores [tile] of `count` positions from `first` on: a group of lanes a position.
  __device__ void score(const Computed<Type>* query, int head_dim, bool whole, std::int64_t first, int count,
                        Computed<Type>* scores) const {
    constexpr int width = per_load<Type>;
    const int loads = (head_dim + width - 1) / width, lane = threadIdx.x % warp_lanes;
    const Dealt dealt(loads);
    for (int t = lane / dealt.group; t < tile; t += dealt.groups) {
      Computed<Type> sum = 0;
      if (t < count) {
        const Type* const key = table + path[first + t] * stride;
        for (int at = lane % dealt.group; at < loads; at += dealt.group) {
          Computed<Type> features[width];
          load(key, at * width, head_dim, whole, features);
#pragma unroll
          for (int e = 0; e < width; ++e) sum += query[at * width + e] * features[e];
        }
      }
      for (int apart = dealt.group / 2; apart > 0; apart /= 2) sum += __shfl_xor_sync(whole_warp, sum, apart);
      if (lane % dealt.group == 0) scores[t] = sum;
    }
  }
  __device__ const Type* value(std::int64_t t, int /*head_dim*/) const { return table + path[t] * stride + hidden; }
};

/// One head's keys [head_dim, padded] and values [padded, head_dim] of a source.
template <class Type>
struct SourceView {
  const Type *keys, *values;
  std::int64_t padded;
  std::int64_t length;

  /// A lane takes per_load neighbouring positions and every `parts`th feature.
  __device__ void score(const Computed<Type>* query, int head_dim, bool /*whole*/, std::int64_t first, int /*count*/,
                        Computed<Type>* scores) const {
    constexpr int width = per_load<Type>, across = tile / width, parts = warp_lanes / across;
    const int lane = threadIdx.x % warp_lanes, place = lane % across * width, part = lane / across;
    Computed<Type> sums[width] = {};
    if (first + place < padded) {  // `padded` is in whole loads
      for (int d = part; d < head_dim; d += parts) {
        const Load<Type> loaded = *reinterpret_cast<const Load<Type>*>(keys + d * padded + first + place);
#pragma unroll
        for (int e = 0; e < width; ++e) sums[e] += query[d] * widen(loaded.values[e]);
      }
    }
#pragma unroll
    for (int e = 0; e < width; ++e) {
      for (int apart = across; apart < warp_lanes; apart *= 2) sums[e] += __shfl_xor_sync(whole_warp, sums[e], apart);
      if (part == 0) scores[place + e] = sums[e];
    }
  }
  __device__ const Type* value(std::int64_t t, int head_dim) const { return values + t * head_dim; }
};

/// Memory of a thread block, of the size its launch names: for each warp a query in whole loads, and a tile of scores.
template <class Type>
struct Shared {
  Computed<Type>*query, *scores;
  __host__ __device__ static int features(int head_dim) {
    return (head_dim + per_load<Type> - 1) / per_load<Type> * per_load<Type>;
  }
  __device__ explicit Shared(int head_dim) {
    extern __shared__ __align__(16) unsigned char memory[];
    query = reinterpret_cast<Computed<Type>*>(memory) + threadIdx.x / warp_lanes * (features(head_dim) + tile);
    scores = query + features(head_dim);
  }
  static std::size_t bytes(int head_dim) {
    return sizeof(Computed<Type>) * static_cast<std::size_t>(warps * (features(head_dim) + tile));
  }
};

/// Loads of a lane: head_dim is at most per_load * warp_lanes * most_loads.
constexpr int most_loads = 3;

/// Scaled dot-product attention of a warp: query [head_dim] -> out [head_dim].
template <class Type, class View>
__device__ void attend(const Type* query, const View& over, int head_dim, Type* out) {
  using Real = Computed<Type>;
  constexpr int width = per_load<Type>;
  const Shared<Type> shared(head_dim);
  const int lane = threadIdx.x % warp_lanes, loads = (head_dim + width - 1) / width;
  const bool whole = head_dim % width == 0;
  const Dealt dealt(loads);
  const int own_group = lane / dealt.group, own = lane % dealt.group;
  const Real scale = 1 / sqrt(static_cast<Real>(head_dim));
  for (int d = lane; d < loads * width; d += warp_lanes)
    shared.query[d] = d < head_dim ? widen(query[d]) * scale : Real(0);
  __syncwarp();

  Real max = -INFINITY, total = 0, sums[most_loads][width] = {};
  for (std::int64_t first = 0; first < over.length; first += tile) {
    const int count = static_cast<int>(over.length - first < tile ? over.length - first : tile);
    over.score(shared.query, head_dim, whole, first, count, shared.scores);
    __syncwarp();
    const Real score = lane < count ? shared.scores[lane] : static_cast<Real>(-INFINITY);
    const Real new_max = larger(largest_of_lanes(score), max);
    const Real rescale = exponential(max - new_max), weight = exponential(score - new_max);
    max = new_max;
    shared.scores[lane] = weight;
    total = total * rescale + sum_of_lanes(weight);
    __syncwarp();
#pragma unroll
    for (int i = 0; i < most_loads; ++i) {
#pragma unroll
      for (int e = 0; e < width; ++e) sums[i][e] *= rescale;
    }
    for (int t = own_group; t < count; t += dealt.groups) {
      const Type* const value = over.value(first + t, head_dim);
#pragma unroll
      for (int i = 0; i < most_loads; ++i) {
        const int at = own + i * dealt.group;
        if (at >= loads) break;
        Real features[width];
        load(value, at * width, head_dim, whole, features);
#pragma unroll
        for (int e = 0; e < width; ++e) sums[i][e] += shared.scores[t] * features[e];
      }
    }
    __syncwarp();
  }
#pragma unroll
  for (int i = 0; i < most_loads; ++i) {
#pragma unroll
    for (int e = 0; e < width; ++e) {
      Real sum = sums[i][e];
      for (int apart = dealt.group; apart < warp_lanes; apart *= 2) sum += __shfl_xor_sync(whole_warp, sum, apart);
      const int d = (own + i * dealt.group) * width + e;
      if (own_group == 0 && d < head_dim) narrow(over.length > 0 ? sum / total : 0, out[d]);
    }
  }
}

/// The row of this warp; those behind the last have none.
__device__ std::int64_t row_of_warp() {
  return static_cast<std::int64_t>(blockIdx.x) * warps + threadIdx.x / warp_lanes;
}

template <class Type>
__global__ void tree_kernel(TreeAttention<Type> all) {
  const std::int64_t row = row_of_warp(), of_head = blockIdx.y * all.head_dim, hidden = all.heads * all.head_dim;
  if (row >= all.rows) return;
  const std::int64_t* const path = all.paths + all.offsets[row];
  const std::int64_t length = all.offsets[row + 1] - all.offsets[row];
  const Type* const query = all.qkv + row * 3 * hidden + of_head;
  if (length > 0) {  // only this row's warps look at its own node in this step
    Type* const own = all.cache + path[length - 1] * 2 * hidden + of_head;
    for (std::int64_t d = threadIdx.x % warp_lanes; d < all.head_dim; d += warp_lanes) {
      own[d] = query[hidden + d];
      own[hidden + d] = query[2 * hidden + d];
    }
  }
  __syncwarp();
  const PathView<Type> over{all.cache + of_head, path, 2 * hidden, hidden, length};
  attend(query, over, static_cast<int>(all.head_dim), all.out + row * hidden + of_head);
}

template <class Type>
__global__ void source_kernel(SourceAttention<Type> all) {
  const std::int64_t row = row_of_warp(), head = blockIdx.y, hidden = all.heads * all.head_dim;
  if (row >= all.rows) return;
  const SourcePlace place = all.places[row];
  const std::int64_t of_head = head * all.head_dim * place.padded;
  const SourceView<Type> over{reinterpret_cast<const Type*>(place.keys) + of_head,
                              reinterpret_cast<const Type*>(place.values) + of_head, place.padded, place.length};
  attend(all.query + row * hidden + head * all.head_dim, over, static_cast<int>(all.head_dim),
         all.out + row * hidden + head * all.head_dim);
}

template <class Type, class All>
cudaError_t launch(void (*kernel)(All), const All& all, cudaStream_t stream) {
  if (all.rows == 0) return cudaSuccess;
  if (all.head_dim > per_load<Type> * warp_lanes * most_loads) return cudaErrorInvalidValue;
  const dim3 grid(static_cast<unsigned>((all.rows + warps - 1) / warps), static_cast<unsigned>(all.heads));
  kernel<<<grid, warps * warp_lanes, Shared<Type>::bytes(static_cast<int>(all.head_dim)), stream>>>(all);
  return cudaGetLastError();
}

}  // namespace

template <class Type>
cudaError_t tree_attention(const TreeAttention<Type>& all, cudaStream_t stream) {
  return launch<Type>(tree_kernel<Type>, all, stream);
}

template <class Type>
cudaError_t source_attention(const SourceAttention<Type>& all, cudaStream_t stream) {
  return launch<Type>(source_kernel<Type>, all, stream);
}

template cudaError_t tree_attention(const TreeAttention<float>&, cudaStream_t);
template cudaError_t tree_attention(const TreeAttention<double>&, cudaStream_t);
template cudaError_t tree_attention(const TreeAttention<__nv_bfloat16>&, cudaStream_t);
template cudaError_t source_attention(const SourceAttention<float>&, cudaStream_t);
template cudaError_t source_attention(const SourceAttention<double>&, cudaStream_t);
template cudaError_t source_attention(const SourceAttention<__nv_bfloat16>&, cudaStream_t);

}  // namespace rest
