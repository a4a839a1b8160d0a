#include "matrix_product.hpp"

#include <ATen/native/CPUBlas.h>

namespace rest {

namespace blas = at::native::cpublas;

void matrix_product(const ProductShape& shape, const ProductStrides& strides, const float* a, const float* b,
                    float* out, Into into) {
  blas::brgemm(shape.rows, shape.columns, shape.inner, strides.a, strides.b, strides.out, into == Into::sum, a, b, out,
               /*is_vnni=*/false);
}

void matrix_product(const ProductShape& shape, const ProductStrides& strides, const at::BFloat16* a,
                    const at::BFloat16* b, float* out, Into into) {
  blas::brgemm(shape.rows, shape.columns, shape.inner, strides.a, strides.b, strides.out, into == Into::sum, a, b, out);
}

void matrix_product(const ProductShape& shape, const ProductStrides& strides, const std::uint8_t* a,
                    const std::int8_t* b, std::int32_t* out, Into into) {
  blas::brgemm(shape.rows, shape.columns, shape.inner, strides.a, strides.b, strides.out, into == Into::sum, a,
               reinterpret_cast<const signed char*>(b), out);
}

void end_products() { blas::brgemm_release(); }

}  // namespace rest
