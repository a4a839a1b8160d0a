#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "../decoder/source_place.hpp"

/// Kernels of the operators in attention_operators.hpp. All pointers are to device memory. Type: float, double or
/// __nv_bfloat16, the latter computed with in float32.
namespace rest {

template <class Type>
struct TreeAttention {
  std::int64_t rows, heads, head_dim;
  const Type* qkv;                      // [rows, 3 hidden]
  Type* cache;                          // [nodes, 2 hidden]
  const std::int64_t *paths, *offsets;  // end to end; [rows + 1]
  Type* out;                            // [rows, hidden]
};

template <class Type>
cudaError_t tree_attention(const TreeAttention<Type>& all, cudaStream_t stream);

template <class Type>
struct SourceAttention {
  std::int64_t rows, heads, head_dim;
  const Type* query;          // [rows, hidden]
  const SourcePlace* places;  // [rows]
  Type* out;                  // [rows, hidden]
};

template <class Type>
cudaError_t source_attention(const SourceAttention<Type>& all, cudaStream_t stream);

}  // namespace rest
