#pragma once

#include <ATen/core/Tensor.h>

#include "head_kernels.hpp"
#include "rest/grow/sampling_head.hpp"

/// The head's operators, for any device: LibTorch's dispatcher picks the implementation by where the tensors are. Those
/// for CUDA are in src/grow/cuda. The definition of sums, cuts and draws is in sampling_head.hpp.
namespace rest {

/// rest::sum_head_blocks. logits [rows, pieces] float32 or float64, of a slice of the vocabulary that begins with a
/// block -> sums [rows, blocks, 3] in the same type, a view with any stride of rows: BlockSums of each block.
/// inverse_temperature 0: greedy.
void sum_head_blocks(const at::Tensor& logits, double inverse_temperature, const at::Tensor& sums);

/// rest::draw_pieces, with nothing cut. hidden [rows, hidden] and embedding [vocabulary, hidden] in one type; sums
/// [rows, all blocks, 3]. draws [n, 3] float64: row, uniform, piece (negative: to be drawn). A draw's block of logits
/// is computed again.
/// -> [n, 3] float64: piece, log_prob, sampling_log_prob; NaN, or an Error, where logits are not finite.
at::Tensor draw_pieces(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                       const at::Tensor& draws, double temperature);

/// rest::draw_kept_pieces, with `options` that cut. Of each row the best pieces in any order, `logits` and `pieces`
/// (int64) [rows, 2 to most_leading_pieces + 1]; the last of them only bounds those that are not there, unless all of
/// the vocabulary are. Everything else as above.
/// -> [n, 3] as above; piece -1 where these pieces are too few to tell which ones are kept.
at::Tensor draw_kept_pieces(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                            const at::Tensor& logits, const at::Tensor& pieces, const at::Tensor& draws,
                            const SamplingOptions& options);

}  // namespace rest
