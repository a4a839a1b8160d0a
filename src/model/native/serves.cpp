#include <torch/torch.h>

#include "../products/packed_matrix.hpp"
#include "native_functions.hpp"

namespace rest::native {

bool serves(torch::ScalarType type, std::int64_t features) {
  return type == torch::kFloat32 || (type == torch::kBFloat16 && features % 2 == 0 && multiplies_bfloat16());
}

bool serves(const torch::Tensor& x, const torch::Tensor& parameter, const torch::Tensor& gradient) {
  if (!x.is_cpu() || x.dim() != 2 || !serves(x.scalar_type(), x.size(1))) return false;
  return !(parameter.defined() && parameter.requires_grad() && torch::GradMode::is_enabled()) || gradient.defined();
}

}  // namespace rest::native
