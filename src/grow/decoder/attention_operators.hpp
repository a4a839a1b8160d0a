#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

/// The decoder's attention as operators for any device: LibTorch's dispatcher picks the implementation by where the
/// tensors are. On the CPU they are attend() in float32 or float64; those for CUDA, in src/grow/cuda, also take
/// bfloat16 and compute in float32. Nothing is gathered, and no row's result depends on other rows.
namespace rest {

/// rest::tree_attention. Stores the rows' own keys and values, then attends to their paths.
/// qkv [rows, 3 hidden] and cache [nodes, 2 hidden] (key, value) in one type; paths: the nodes of each row's path, its
/// own last, end to end from `offsets` [rows + 1], int64. -> [rows, hidden], zeros for a row whose path is empty.
at::Tensor tree_attention(const at::Tensor& qkv, const at::Tensor& cache, const at::Tensor& paths,
                          const at::Tensor& offsets, std::int64_t heads);

/// rest::source_attention. query [rows, hidden]; places [rows, 4] int64, a SourcePlace each, with keys and values in
/// the query's type. -> [rows, hidden], zeros for a row of length 0.
at::Tensor source_attention(const at::Tensor& query, const at::Tensor& places, std::int64_t heads);

}  // namespace rest
