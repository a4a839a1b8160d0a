#include "packed_factor.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

#include "../vector_rows.hpp"
#include "large_pages.hpp"
#include "matrix_product.hpp"

namespace rest {
namespace {

constexpr std::int64_t lanes = float_lanes;

/// out [columns, rows] = transpose of words [rows, columns].
REST_CLONES void transpose(const std::uint32_t* words, std::int64_t stride, std::int64_t rows, std::int64_t columns,
                           std::uint32_t* out, std::int64_t out_stride) {
  for (std::int64_t r = 0; r < rows; r += lanes) {
    for (std::int64_t c = 0; c < columns; c += lanes) {
      if (r + lanes > rows || c + lanes > columns) {
        for (std::int64_t i = r; i < std::min(rows, r + lanes); ++i)
          for (std::int64_t j = c; j < std::min(columns, c + lanes); ++j)
            out[j * out_stride + i] = words[i * stride + j];
        continue;
      }
      Words tile[lanes];
      for (std::int64_t i = 0; i < lanes; ++i) std::memcpy(tile + i, words + (r + i) * stride + c, sizeof tile[i]);
      transpose_words(tile);
      for (std::int64_t j = 0; j < lanes; ++j) std::memcpy(out + (c + j) * out_stride + r, tile + j, sizeof tile[j]);
    }
  }
}

REST_CLONES void pair(const std::uint16_t* first, const std::uint16_t* second, std::int64_t columns,
                      std::uint32_t* pairs) {
  for (std::int64_t c = 0; c < columns; ++c)
    pairs[c] = static_cast<std::uint32_t>(first[c]) | static_cast<std::uint32_t>(second[c]) << 16;
}
REST_CLONES void pair_with_zero(const std::uint16_t* first, std::int64_t columns, std::uint32_t* pairs) {
  for (std::int64_t c = 0; c < columns; ++c) pairs[c] = first[c];
}

const std::uint16_t* bits(const at::BFloat16* values) { return reinterpret_cast<const std::uint16_t*>(values); }
const std::uint32_t* words(const at::BFloat16* values) { return reinterpret_cast<const std::uint32_t*>(values); }
std::uint32_t* words(at::BFloat16* values) { return reinterpret_cast<std::uint32_t*>(values); }

}  // namespace

void pair_rows(const at::BFloat16* matrix, std::int64_t stride, std::int64_t rows, std::int64_t columns,
               std::int64_t padded, at::BFloat16* pairs) {
  for (std::int64_t r = 0; r < padded; r += 2) {
    std::uint32_t* const to = words(pairs + r * columns);
    if (r + 1 < rows) {
      pair(bits(matrix + r * stride), bits(matrix + (r + 1) * stride), columns, to);
    } else if (r < rows) {
      pair_with_zero(bits(matrix + r * stride), columns, to);
    } else {
      std::fill_n(to, columns, 0u);
    }
  }
}

void transpose_pairs(const at::BFloat16* pairs, std::int64_t rows, std::int64_t columns, at::BFloat16* out,
                     std::int64_t out_stride) {
  transpose(words(pairs), columns, rows / 2, columns, words(out), out_stride / 2);
}

void add_product_with_pairs(const at::BFloat16* a, std::int64_t a_stride, std::int64_t count, const at::BFloat16* pairs,
                            std::int64_t inner, std::int64_t columns, float* out) {
  for (std::int64_t c = 0; c < columns; c += PackedFactor::block) {
    matrix_product({count, std::min(PackedFactor::block, columns - c), inner}, {a_stride, columns, columns}, a,
                   pairs + c * 2, out + c, Into::sum);
  }
}

void PackedFactor::resize(std::int64_t inner, std::int64_t columns) {
  filled_ = true;
  const std::int64_t padded = padded_inner(inner);
  if (padded == inner_ && columns == columns_) return;
  inner_ = padded;
  columns_ = columns;
  values_ = empty_in_large_pages({blocks(), inner_ / 2, block, 2}, at::kBFloat16);
  values_.zero_();
}

void PackedFactor::pack(const at::Tensor& factor) {
  const at::Tensor given = factor.contiguous();
  resize(given.size(0), given.size(1));
  const auto* const from = given.data_ptr<at::BFloat16>();
  auto* const to = values_.data_ptr<at::BFloat16>();
  const std::int64_t even = (given.size(0) + 1) / 2 * 2;
  at::parallel_for(0, blocks(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t first = b * block, width = std::min(block, columns_ - first);
      at::BFloat16* const own = to + b * inner_ * block;
      for (std::int64_t r = 0; r < even; r += 2)
        pair_rows(from + r * columns_ + first, columns_, std::min<std::int64_t>(2, given.size(0) - r), width, 2,
                  own + r * block);
    }
  });
}

void PackedFactor::pack_transposed(const at::Tensor& factor) {
  const at::Tensor given = factor.size(1) % 2 == 0 ? factor.contiguous() : at::constant_pad_nd(factor, {0, 1});
  resize(given.size(1), given.size(0));
  const auto* const from = given.data_ptr<at::BFloat16>();
  auto* const to = values_.data_ptr<at::BFloat16>();
  const std::int64_t pairs = given.size(1) / 2;
  at::parallel_for(0, blocks(), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t first = b * block, width = std::min(block, columns_ - first);
      transpose(words(from) + first * pairs, pairs, width, pairs, words(to + b * inner_ * block), block);
    }
  });
}

void PackedFactor::multiply(const at::BFloat16* a, std::int64_t a_stride, std::int64_t count, std::int64_t b,
                            std::int64_t first, std::int64_t inner, float* out, std::int64_t out_stride,
                            Into into) const {
  const auto* const factor = values_.data_ptr<at::BFloat16>() + (b * inner_ + first) * block;
  matrix_product({count, block, inner}, {a_stride, block, out_stride}, a, factor, out, into);
}

}  // namespace rest
