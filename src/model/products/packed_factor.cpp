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

/// Two rows of 16, in pairs. A row that is not there counts as 0.
REST_INLINE void load_pairs(const std::uint16_t* first, const std::uint16_t* second, Words& pairs) {
  HalfWords low = {}, high = {};
  if (first) std::memcpy(&low, first, sizeof low);
  if (second) std::memcpy(&high, second, sizeof high);
  pairs = __builtin_convertvector(low, Words) | __builtin_convertvector(high, Words) << 16;
}

/// A matrix of bits [rows, columns], rows padded with 0.
struct HalfWordRows {
  const std::uint16_t* values;
  std::int64_t stride, rows, columns, padded;

  const std::uint16_t* row(std::int64_t r) const { return r < rows ? values + r * stride : nullptr; }
};

/// Word i of rows r and r + 1.
REST_INLINE std::uint32_t pair_at(const HalfWordRows& matrix, std::int64_t r, std::int64_t i) {
  const std::uint32_t low = r < matrix.rows ? matrix.row(r)[i] : 0,
                      high = r + 1 < matrix.rows ? matrix.row(r + 1)[i] : 0;
  return low | high << 16;
}

/// Up to 64 columns from `first` on: out [padded / 2, 64].
REST_CLONES void pair_columns(const HalfWordRows& matrix, std::int64_t first, std::uint32_t* out) {
  const std::int64_t last = std::min(matrix.columns, first + PackedFactor::block);
  for (std::int64_t r = 0; r < matrix.padded; r += 2, out += PackedFactor::block) {
    const std::uint16_t *const low = matrix.row(r), *const high = matrix.row(r + 1);
    std::int64_t c = first;
    for (; c + lanes <= last; c += lanes) {
      Words pairs;
      load_pairs(low ? low + c : nullptr, high ? high + c : nullptr, pairs);
      std::memcpy(out + c - first, &pairs, sizeof pairs);
    }
    for (; c < last; ++c) out[c - first] = pair_at(matrix, r, c);
  }
}

/// Up to 64 columns from `first` on: out [columns, padded / 2] of the whole matrix.
REST_CLONES void transpose_columns(const HalfWordRows& matrix, std::int64_t first, std::uint32_t* out,
                                   std::int64_t out_stride) {
  const std::int64_t last = std::min(matrix.columns, first + PackedFactor::block);
  for (std::int64_t r = 0; r < matrix.padded; r += 2 * lanes) {
    std::int64_t c = first;
    for (; c + lanes <= last; c += lanes) {
      Words tile[lanes];
      for (std::int64_t i = 0; i < lanes; ++i) {
        const std::uint16_t *const low = matrix.row(r + 2 * i), *const high = matrix.row(r + 2 * i + 1);
        load_pairs(low ? low + c : nullptr, high ? high + c : nullptr, tile[i]);
      }
      transpose_words(tile);
      for (std::int64_t j = 0; j < lanes; ++j)
        std::memcpy(out + (c + j) * out_stride + r / 2, tile + j, sizeof tile[j]);
    }
    for (; c < last; ++c)
      for (std::int64_t i = 0; i < lanes; ++i) out[c * out_stride + r / 2 + i] = pair_at(matrix, r + 2 * i, c);
  }
}

const std::uint16_t* bits(const at::BFloat16* values) { return reinterpret_cast<const std::uint16_t*>(values); }
const std::uint32_t* words(const at::BFloat16* values) { return reinterpret_cast<const std::uint32_t*>(values); }
std::uint32_t* words(at::BFloat16* values) { return reinterpret_cast<std::uint32_t*>(values); }

/// Calls work(first column) for each block of columns, on the threads of the rank.
template <class Work>
void for_blocks(std::int64_t columns, Work work) {
  at::parallel_for(0, PackedFactor::blocks_of(columns), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t b = begin; b < end; ++b) work(b * PackedFactor::block);
  });
}

}  // namespace

void pair_rows(const at::BFloat16* matrix, std::int64_t stride, std::int64_t rows, std::int64_t columns,
               std::int64_t padded, at::BFloat16* pairs) {
  const HalfWordRows from{bits(matrix), stride, rows, columns, padded};
  for_blocks(columns, [&](std::int64_t first) { pair_columns(from, first, words(pairs + first * padded)); });
}

void transpose_rows(const at::BFloat16* matrix, std::int64_t stride, std::int64_t rows, std::int64_t columns,
                    std::int64_t padded, at::BFloat16* out, std::int64_t out_stride) {
  const HalfWordRows from{bits(matrix), stride, rows, columns, padded};
  for_blocks(columns, [&](std::int64_t first) { transpose_columns(from, first, words(out), out_stride / 2); });
}

void add_product_with_pairs(const at::BFloat16* a, std::int64_t a_stride, std::int64_t count, const at::BFloat16* pairs,
                            std::int64_t inner, std::int64_t columns, float* out) {
  constexpr std::int64_t block = PackedFactor::block;
  for (std::int64_t c = 0; c < columns; c += block) {
    matrix_product({count, std::min(block, columns - c), inner}, {a_stride, block, columns}, a, pairs + c * inner,
                   out + c, Into::sum);
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
  pair_rows(given.data_ptr<at::BFloat16>(), columns_, given.size(0), columns_, inner_,
            values_.data_ptr<at::BFloat16>());
}

void PackedFactor::pack_transposed(const at::Tensor& factor) {
  const at::Tensor given = factor.size(1) % 2 == 0 ? factor.contiguous() : at::constant_pad_nd(factor, {0, 1});
  resize(given.size(1), given.size(0));
  const auto* const from = given.data_ptr<at::BFloat16>();
  auto* const to = values_.data_ptr<at::BFloat16>();
  const std::int64_t pairs = given.size(1) / 2;
  for_blocks(columns_, [&](std::int64_t first) {
    const std::int64_t width = std::min(block, columns_ - first);
    transpose(words(from) + first * pairs, pairs, width, pairs, words(to + first * inner_), block);
  });
}

void PackedFactor::multiply(const at::BFloat16* a, std::int64_t a_stride, std::int64_t count, std::int64_t b,
                            std::int64_t first, std::int64_t inner, float* out, std::int64_t out_stride,
                            Into into) const {
  const auto* const factor = values_.data_ptr<at::BFloat16>() + (b * inner_ + first) * block;
  matrix_product({count, block, inner}, {a_stride, block, out_stride}, a, factor, out, into);
}

}  // namespace rest
