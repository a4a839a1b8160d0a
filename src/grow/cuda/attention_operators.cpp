#include <ATen/ATen.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_bf16.h>
#include <torch/library.h>

#include "../../model/cuda/kernel_check.hpp"
#include "../../model/cuda/stream.hpp"
#include "attention.hpp"

namespace rest {
namespace {

/// Calls body(Type{}) with CUDA's name for the tensor's type.
template <class Body>
void with_type(const at::Tensor& tensor, Body body) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return body(float{});
    case at::kDouble:
      return body(double{});
    case at::kBFloat16:
      return body(__nv_bfloat16{});
    default:
      throw Error("attention on a GPU is in float32, float64 or bfloat16");
  }
}

template <class Type>
Type* data(const at::Tensor& tensor) {
  return static_cast<Type*>(tensor.data_ptr());
}

/// rest::tree_attention of src/grow/attention_operators.hpp on a GPU.
at::Tensor tree_attention_on_gpu(const at::Tensor& qkv, const at::Tensor& cache, const at::Tensor& paths,
                                 const at::Tensor& offsets, std::int64_t heads) {
  const c10::cuda::CUDAGuard guard(qkv.device());
  const std::int64_t rows = qkv.size(0), hidden = qkv.size(1) / 3;
  const at::Tensor input = qkv.contiguous();
  at::Tensor out = at::empty({rows, hidden}, qkv.options());
  with_type(qkv, [&](auto zero) {
    using Type = decltype(zero);
    const TreeAttention<Type> all{rows,
                                  heads,
                                  hidden / heads,
                                  data<Type>(input),
                                  data<Type>(cache),
                                  data<std::int64_t>(paths),
                                  data<std::int64_t>(offsets),
                                  data<Type>(out)};
    check_kernel(tree_attention(all, stream_of(qkv)), "rest::tree_attention");
  });
  return out;
}

/// rest::source_attention on a GPU.
at::Tensor source_attention_on_gpu(const at::Tensor& query, const at::Tensor& places, std::int64_t heads) {
  const c10::cuda::CUDAGuard guard(query.device());
  const std::int64_t rows = query.size(0), hidden = query.size(1);
  const at::Tensor input = query.contiguous();
  at::Tensor out = at::empty({rows, hidden}, query.options());
  with_type(query, [&](auto zero) {
    using Type = decltype(zero);
    const SourceAttention<Type> all{rows,
                                    heads,
                                    hidden / heads,
                                    data<Type>(input),
                                    reinterpret_cast<const SourcePlace*>(data<std::int64_t>(places)),
                                    data<Type>(out)};
    check_kernel(source_attention(all, stream_of(query)), "rest::source_attention");
  });
  return out;
}

TORCH_LIBRARY_IMPL(rest, CUDA, library) {
  library.impl("tree_attention", &tree_attention_on_gpu);
  library.impl("source_attention", &source_attention_on_gpu);
}

}  // namespace
}  // namespace rest
