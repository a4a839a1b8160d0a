#include "../heads/head_operators.hpp"

#include <ATen/ATen.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_bf16.h>
#include <torch/library.h>

#include "../../model/cuda/kernel_check.hpp"
#include "../../model/cuda/stream.hpp"
#include "head.hpp"

namespace rest {
namespace {

template <class Real>
BlockSums<Real>* block_sums(const at::Tensor& sums) {
  return reinterpret_cast<BlockSums<Real>*>(sums.data_ptr<Real>());
}

template <class Real>
void sum_rows(const at::Tensor& logits, double inverse_temperature, const at::Tensor& sums) {
  const at::Tensor contiguous = logits.contiguous();
  check_kernel(sum_head_blocks(contiguous.data_ptr<Real>(), contiguous.size(0), contiguous.size(1),
                               static_cast<Real>(inverse_temperature), block_sums<Real>(sums), sums.stride(0) / 3,
                               stream_of(logits)),
               "rest::sum_head_blocks");
}

/// rest::sum_head_blocks of src/grow/head_operators.hpp on a GPU.
void sum_head_blocks_on_gpu(const at::Tensor& logits, double inverse_temperature, const at::Tensor& sums) {
  const c10::cuda::CUDAGuard guard(logits.device());
  if (logits.scalar_type() == at::kDouble) {
    sum_rows<double>(logits, inverse_temperature, sums);
  } else {
    sum_rows<float>(logits, inverse_temperature, sums);
  }
}

/// launch(draws, n, stream)
template <class Input, class Real, class Launch>
at::Tensor draw_all(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                    const at::Tensor& draws, double temperature, Launch launch) {
  const std::int64_t rows = sums.size(0), blocks = sums.size(1);
  const at::Tensor joined = at::empty({2, rows, blocks}, draws.options()),
                   totals = at::empty({rows, 2}, draws.options());
  at::Tensor results = at::empty_like(draws);
  HeadDraws<Input, Real> all{};
  all.hidden = static_cast<const Input*>(hidden.data_ptr());
  all.embedding = static_cast<const Input*>(embedding.data_ptr());
  all.features = hidden.size(1);
  all.vocabulary = embedding.size(0);
  all.sums = block_sums<Real>(sums);
  all.joined = {joined.data_ptr<double>(), joined.data_ptr<double>() + rows * blocks,
                reinterpret_cast<RowTotals*>(totals.data_ptr<double>())};
  all.blocks = blocks;
  all.draws = draws.data_ptr<double>();
  all.results = results.data_ptr<double>();
  all.temperature = temperature;
  const cudaStream_t stream = stream_of(hidden);
  check_kernel(join_head_blocks(all.sums, rows, blocks, temperature, all.joined, stream), "the head");
  check_kernel(launch(all, draws.size(0), stream), "the head");
  return results;
}

/// Draws of hidden states in any type; NaN where logits are not finite.
template <class Launch>
at::Tensor draw_on_gpu(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                       const at::Tensor& draws, double temperature, Launch launch) {
  const c10::cuda::CUDAGuard guard(hidden.device());
  const at::Tensor rows = hidden.contiguous(), requests = draws.contiguous();
  switch (hidden.scalar_type()) {
    case at::kDouble:
      return draw_all<double, double>(rows, embedding, sums, requests, temperature, launch);
    case at::kBFloat16:
      return draw_all<__nv_bfloat16, float>(rows, embedding, sums, requests, temperature, launch);
    case at::kFloat:
      return draw_all<float, float>(rows, embedding, sums, requests, temperature, launch);
    default:
      throw Error("the head does not know the type of the hidden states");
  }
}

/// rest::draw_pieces on a GPU.
at::Tensor draw_pieces_on_gpu(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                              const at::Tensor& draws, double temperature) {
  return draw_on_gpu(hidden, embedding, sums, draws, temperature,
                     [](const auto& all, std::int64_t n, cudaStream_t stream) { return draw_pieces(all, n, stream); });
}

template <class Input, class Real>
cudaError_t launch_kept(const HeadDraws<Input, Real>& all, const at::Tensor& logits, const at::Tensor& pieces,
                        const Cuts& cuts, std::int64_t n, cudaStream_t stream) {
  const Leading<Real> leading{logits.data_ptr<Real>(), pieces.data_ptr<std::int64_t>(), logits.size(1)};
  return draw_kept_pieces(all, leading, cuts, n, stream);
}

/// rest::draw_kept_pieces on a GPU.
at::Tensor draw_kept_pieces_on_gpu(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                                   const at::Tensor& logits, const at::Tensor& pieces, const at::Tensor& draws,
                                   double temperature, std::int64_t top_k, double top_p, double epsilon) {
  const at::Tensor best = logits.contiguous(), of_best = pieces.contiguous();
  const Cuts cuts{top_k < embedding.size(0) ? top_k : 0, top_p, epsilon};
  return draw_on_gpu(hidden, embedding, sums, draws, temperature,
                     [&](const auto& all, std::int64_t n, cudaStream_t stream) {
                       return launch_kept(all, best, of_best, cuts, n, stream);
                     });
}

TORCH_LIBRARY_IMPL(rest, CUDA, library) {
  library.impl("sum_head_blocks", &sum_head_blocks_on_gpu);
  library.impl("draw_pieces", &draw_pieces_on_gpu);
  library.impl("draw_kept_pieces", &draw_kept_pieces_on_gpu);
}

}  // namespace
}  // namespace rest
