#include "wide_products.hpp"

#include <ATen/ATen.h>
#include <torch/version.h>

// What takes bfloat16 and gives float32 came with LibTorch 2.8, for GPUs.
#define REST_MIXED_PRODUCTS (TORCH_VERSION_MAJOR > 2 || TORCH_VERSION_MINOR >= 8)

namespace rest {

at::Tensor wide_product(const at::Tensor& x, const at::Tensor& weights) {
  if (x.scalar_type() != at::kBFloat16) return at::linear(x, weights);
#if REST_MIXED_PRODUCTS
  if (x.is_cuda()) return at::mm(x, weights.t(), at::kFloat);
#endif
  return at::linear(x.to(at::kFloat), weights.to(at::kFloat));
}

void add_wide_product(const at::Tensor& y, const at::Tensor& x, const at::Tensor& sum) {
  at::Tensor to = sum;
#if REST_MIXED_PRODUCTS
  if (x.scalar_type() == at::kBFloat16 && x.is_cuda()) {
    at::addmm_out(to, to, y.t(), x, at::kFloat);
    return;
  }
#endif
  to.addmm_(y.t().to(to.scalar_type()), x.to(to.scalar_type()));
}

}  // namespace rest
