#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "matrix_format.hpp"
#include "packed_matrix.hpp"
#include "row_kernels.hpp"

namespace rest {

/// Rows that a matrix product of a format reads, with the scale of each. Memory is kept between uses.
template <class Format>
class MatrixRows {
 public:
  using Real = typename Format::Real;
  using Input = typename Format::Input;

  void resize(std::int64_t rows, std::int64_t features) {
    features_ = features;
    stride_ = padded_features(features);
    const auto elements = static_cast<std::size_t>(rows * stride_);
    if (values_.size() < elements) values_.resize(elements);  // the padding meets weights of 0
    if (scales_.size() < static_cast<std::size_t>(rows)) scales_.resize(static_cast<std::size_t>(rows));
  }
  void store(std::int64_t row, const Real* from) {
    scales_[static_cast<std::size_t>(row)] = store_row(from, features_, values_.data() + row * stride_);
  }
  const Input* row(std::int64_t row) const { return values_.data() + row * stride_; }
  std::int64_t stride() const { return stride_; }
  float scale(std::int64_t row) const { return scales_[static_cast<std::size_t>(row)]; }

 private:
  std::int64_t features_ = 0, stride_ = 0;
  std::vector<Input> values_;  // [rows, stride]
  std::vector<float> scales_;  // [rows]
};

}  // namespace rest
