#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "../heads/head_kernels.hpp"

/// Kernels of the operators in head_operators.hpp. All pointers are to device memory. Real: float or double.
namespace rest {

/// logits [rows, pieces] -> sums [rows, blocks], whose rows are `sums_stride` blocks apart.
template <class Real>
cudaError_t sum_head_blocks(const Real* logits, std::int64_t rows, std::int64_t pieces, Real inverse_temperature,
                            BlockSums<Real>* sums, std::int64_t sums_stride, cudaStream_t stream);

/// Of a row: its largest logit and the log of the sum of exponentials at temperature 1, NaN unless all are finite.
struct RowTotals {
  double max, log_normaliser;
};

/// What joining the blocks of each row gives; temperature 0: only `rows`.
struct JoinedBlocks {
  double *factor, *cumulative;  // [rows, blocks], as in head_draw.hpp
  RowTotals* rows;              // [rows]
};

template <class Real>
cudaError_t join_head_blocks(const BlockSums<Real>* sums, std::int64_t rows, std::int64_t blocks, double temperature,
                             const JoinedBlocks& joined, cudaStream_t stream);

/// Input: float, double or __nv_bfloat16.
template <class Input, class Real>
struct HeadDraws {
  const Input *hidden, *embedding;  // [rows, features], [vocabulary, features]
  std::int64_t features, vocabulary;
  const BlockSums<Real>* sums;  // [rows, blocks]
  JoinedBlocks joined;
  std::int64_t blocks;
  const double* draws;  // [n, 3]
  double* results;      // [n, 3]
  double temperature;
};

template <class Input, class Real>
cudaError_t draw_pieces(const HeadDraws<Input, Real>& all, std::int64_t n, cudaStream_t stream);

/// What draw_kept_pieces looks at, as the operator does.
template <class Real>
struct Leading {
  const Real* logits;          // [rows, count]
  const std::int64_t* pieces;  // [rows, count]
  std::int64_t count;          // at most most_leading_pieces + 1
};

struct Cuts {
  std::int64_t top_k;  // 0 or below the vocabulary's size
  double top_p, epsilon;
};

template <class Input, class Real>
cudaError_t draw_kept_pieces(const HeadDraws<Input, Real>& all, const Leading<Real>& leading, const Cuts& cuts,
                             std::int64_t n, cudaStream_t stream);

}  // namespace rest
