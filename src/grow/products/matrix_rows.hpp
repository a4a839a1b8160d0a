#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "../../model/products/matrix_format.hpp"
#include "../../model/products/packed_matrix.hpp"
#include "../decoder/row_kernels.hpp"

namespace rest {

/// Rows that a matrix product of a format reads, with the scale of each. Memory is kept between uses.
template <class Format>
class MatrixRows {
 public:
  using Real = typename Format::Real;
  using Input = typename Format::Input;

  void resize(std::int64_t rows, std::int64_t features) {
    features_ = features;
    // Rows a multiple of the page size apart would meet in the same few places of the cache.
    stride_ = padded_features(features) + cache_line / static_cast<std::int64_t>(sizeof(Input));
    const auto elements = static_cast<std::size_t>(rows * stride_);
    if (values_.size() < elements) values_.resize(elements);  // the padding meets weights of 0
    if (scales_.size() < static_cast<std::size_t>(rows)) scales_.resize(static_cast<std::size_t>(rows));
  }
  void store(std::int64_t row, const Real* from) {
    scales_[static_cast<std::size_t>(row)] = store_row(from, features_, values_.data() + row * stride_);
  }
  /// A part of a row, where no scale is needed: not int8.
  void store_part(std::int64_t row, std::int64_t first, std::int64_t size, const Real* from) {
    store_row(from, size, values_.data() + row * stride_ + first);
    scales_[static_cast<std::size_t>(row)] = 1.0f;
  }
  /// A row of others of as many features.
  void copy(std::int64_t row, const MatrixRows& from, std::int64_t from_row) {
    std::copy_n(from.row(from_row), features_, values_.data() + row * stride_);
    scales_[static_cast<std::size_t>(row)] = from.scale(from_row);
  }
  std::int64_t features() const { return features_; }
  const Input* row(std::int64_t row) const { return values_.data() + row * stride_; }
  std::int64_t stride() const { return stride_; }
  float scale(std::int64_t row) const { return scales_[static_cast<std::size_t>(row)]; }

 private:
  static constexpr std::int64_t cache_line = 64;  // bytes

  std::int64_t features_ = 0, stride_ = 0;
  std::vector<Input> values_;  // [rows, stride]
  std::vector<float> scales_;  // [rows]
};

}  // namespace rest
