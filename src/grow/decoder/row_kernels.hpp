#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

/// Loops over the features of one row between two matrix products (matrix_format.hpp).
namespace rest {

/// How sums of products become values: (sum - offset) * row scale * scale + bias. Without int8 only the bias is used.
template <class Real>
struct Finish {
  const Real* bias;
  const float* scales;
  const std::int32_t* offsets;
  float row_scale;
};

/// out = finished sums
void load_row(const float* sums, const Finish<float>& finish, std::int64_t size, float* out);
void load_row(const double* sums, const Finish<double>& finish, std::int64_t size, double* out);
void load_row(const std::int32_t* sums, const Finish<float>& finish, std::int64_t size, float* out);

/// x += finished sums
void add_row(const float* sums, const Finish<float>& finish, std::int64_t size, float* x);
void add_row(const double* sums, const Finish<double>& finish, std::int64_t size, double* x);
void add_row(const std::int32_t* sums, const Finish<float>& finish, std::int64_t size, float* x);

/// Rounds a row to what a matrix product reads, or to what keys and values are kept in. -> its scale.
float store_row(const float* row, std::int64_t size, float* out);
float store_row(const float* row, std::int64_t size, at::BFloat16* out);
float store_row(const double* row, std::int64_t size, double* out);
/// Symmetric int8: the largest magnitude becomes 127; 128 is added.
float store_row(const float* row, std::int64_t size, std::uint8_t* out);

void relu_row(float* row, std::int64_t size);
void relu_row(double* row, std::int64_t size);

/// Layer norm, epsilon 1e-5. `out` may be `row`.
void normalise_row(const float* row, const float* weight, const float* bias, std::int64_t size, float* out);
void normalise_row(const double* row, const double* weight, const double* bias, std::int64_t size, double* out);

}  // namespace rest
