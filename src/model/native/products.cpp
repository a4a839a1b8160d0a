#include "products.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "../vector_rows.hpp"

namespace rest {
namespace {

constexpr std::int64_t block = PackedFactor::block;
constexpr std::int64_t tile_rows = 128;
// A product over rows takes so many of them at a time, whose factors stay in the second-level cache; and so many
// columns of the first factor.
constexpr std::int64_t summed_rows = 256, summed_columns = 128;
constexpr std::int64_t chunk_rows = 512;  // that stay in the second-level cache while all blocks of the weight pass

/// A finished tile [count, width] of sums with `block` from row to row.
REST_CLONES void finish_tile(const float* sums, std::int64_t count, std::int64_t width, const at::BFloat16* bias,
                             bool relu, at::BFloat16* out, std::int64_t stride) {
  for (std::int64_t r = 0; r < count; ++r) {
    for_lanes(
        width, [&](std::int64_t, const auto& load, const auto& store) __attribute__((always_inline)) {
          Floats value, add;
          load(sums + r * block, value);
          load(bias, add);
          value += add;
          if (relu) value = value > 0.0f ? value : Floats{};
          store(value, out + r * stride);
        });
  }
}

REST_CLONES void finish_back(const float* sums, std::int64_t count, std::int64_t width, const at::BFloat16* positive,
                             at::BFloat16* out, std::int64_t stride) {
  for (std::int64_t r = 0; r < count; ++r) {
    for_lanes(
        width, [&](std::int64_t, const auto& load, const auto& store) __attribute__((always_inline)) {
          Floats value, shown;
          load(sums + r * block, value);
          if (positive) {
            load(positive + r * stride, shown);
            value = shown > 0.0f ? value : Floats{};
          }
          store(value, out + r * stride);
        });
  }
}

/// Column sums of rows [count, columns] added to `into`.
template <class Real>
REST_INLINE void add_columns_of(const Real* rows, std::int64_t count, std::int64_t columns, float* into) {
  std::vector<float> sums(static_cast<std::size_t>(columns));
  for (std::int64_t r = 0; r < count; ++r) {
    for_lanes(
        columns, [&](std::int64_t, const auto& load, const auto& store) __attribute__((always_inline)) {
          Floats sum, value;
          load(sums.data(), sum);
          load(rows + r * columns, value);
          store(sum + value, sums.data());
        });
  }
  for (std::int64_t c = 0; c < columns; ++c) into[c] += sums[static_cast<std::size_t>(c)];
}
REST_CLONES void add_columns(const float* rows, std::int64_t count, std::int64_t columns, float* into) {
  add_columns_of(rows, count, columns, into);
}
REST_CLONES void add_columns(const at::BFloat16* rows, std::int64_t count, std::int64_t columns, float* into) {
  add_columns_of(rows, count, columns, into);
}

REST_CLONES void zero_where_not_positive(const float* positive, std::int64_t size, float* values) {
  for_lanes(
      size, [&](std::int64_t, const auto& load, const auto& store) __attribute__((always_inline)) {
        Floats value, shown;
        load(values, value);
        load(positive, shown);
        store(shown > 0.0f ? value : Floats{}, values);
      });
}

/// Calls finish(sums, row, rows, first column, columns) for tiles of a [rows, inner] times the factor.
template <class Finish>
void for_tiles(const torch::Tensor& a, const PackedFactor& factor, Finish finish) {
  const std::int64_t rows = a.size(0), inner = a.size(1), blocks = factor.blocks();
  const std::int64_t chunks = (rows + chunk_rows - 1) / chunk_rows;
  const auto* const from = a.data_ptr<at::BFloat16>();
  at::parallel_for(0, chunks * blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) float sums[tile_rows * block];
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t b = task % blocks, first = task / blocks * chunk_rows;
      const std::int64_t last = std::min(rows, first + chunk_rows);
      for (std::int64_t row = first; row < last; row += tile_rows) {
        const std::int64_t count = std::min(tile_rows, last - row);
        factor.multiply(from + row * inner, inner, count, b, 0, inner, sums, block);
        finish(sums, row, count, b * block, std::min(block, factor.columns() - b * block));
      }
    }
    end_products();
  });
}

}  // namespace

torch::Tensor multiply(const torch::Tensor& x, const LinearWeights& weights, Activation activation) {
  if (x.scalar_type() == torch::kFloat32) {
    torch::Tensor out = torch::linear(x, weights.weight, weights.bias);
    return activation == Activation::relu ? out.relu_() : out;
  }
  PackedFactor& factor = weights.packed->forward;
  if (factor.empty()) factor.pack_transposed(weights.weight);
  const std::int64_t columns = factor.columns();
  torch::Tensor out = torch::empty({x.size(0), columns}, x.options());
  const auto* const bias = weights.bias.data_ptr<at::BFloat16>();
  auto* const to = out.data_ptr<at::BFloat16>();
  for_tiles(x, factor,
            [&](const float* sums, std::int64_t row, std::int64_t count, std::int64_t first, std::int64_t width) {
              finish_tile(sums, count, width, bias + first, activation == Activation::relu, to + row * columns + first,
                          columns);
            });
  return out;
}

torch::Tensor multiply_back(const torch::Tensor& gradient, const LinearWeights& weights,
                            const torch::Tensor& positive) {
  if (gradient.scalar_type() == torch::kFloat32) {
    torch::Tensor out = torch::mm(gradient, weights.weight);
    if (positive.defined()) zero_where_not_positive(positive.data_ptr<float>(), out.numel(), out.data_ptr<float>());
    return out;
  }
  PackedFactor& factor = weights.packed->backward;
  if (factor.empty()) factor.pack(weights.weight);
  const std::int64_t columns = factor.columns();
  torch::Tensor out = torch::empty({gradient.size(0), columns}, gradient.options());
  const auto* const shown = positive.defined() ? positive.data_ptr<at::BFloat16>() : nullptr;
  auto* const to = out.data_ptr<at::BFloat16>();
  for_tiles(gradient, factor,
            [&](const float* sums, std::int64_t row, std::int64_t count, std::int64_t first, std::int64_t width) {
              const std::int64_t at = row * columns + first;
              finish_back(sums, count, width, shown ? shown + at : nullptr, to + at, columns);
            });
  return out;
}

void add_product_over_rows(const torch::Tensor& a, const torch::Tensor& b, torch::Tensor into) {
  if (a.scalar_type() == torch::kFloat32) {
    into.addmm_(a.t(), b);
    return;
  }
  const std::int64_t rows = a.size(0), m = a.size(1), n = b.size(1);
  const std::int64_t longest = padded_inner(std::min(rows, summed_rows));
  torch::Tensor memory = torch::empty({transposed_stride(longest) * m + paired_elements(longest, n)}, torch::kBFloat16);
  auto* const transposed = memory.data_ptr<at::BFloat16>();
  auto* const pairs = transposed + transposed_stride(longest) * m;
  auto* const out = into.data_ptr<float>();
  for (std::int64_t row = 0; row < rows; row += summed_rows) {
    const std::int64_t count = std::min(summed_rows, rows - row), padded = padded_inner(count);
    const std::int64_t stride = transposed_stride(padded);
    transpose_rows(a.data_ptr<at::BFloat16>() + row * m, m, count, m, padded, transposed, stride);
    pair_rows(b.data_ptr<at::BFloat16>() + row * n, n, count, n, padded, pairs);
    at::parallel_for(0, (m + summed_columns - 1) / summed_columns, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t first = begin * summed_columns; first < std::min(m, end * summed_columns);
           first += summed_columns) {
        add_product_with_pairs(transposed + first * stride, stride, std::min(summed_columns, m - first), pairs, padded,
                               n, out + first * n);
      }
      end_products();
    });
  }
}

void add_gradients(const torch::Tensor& gradient, const torch::Tensor& x, const LinearWeights& weights) {
  add_product_over_rows(gradient, x, weights.weight_gradient);
  const std::int64_t columns = gradient.size(1);
  float* const into = weights.bias_gradient.data_ptr<float>();
  if (gradient.scalar_type() == torch::kFloat32) {
    add_columns(gradient.data_ptr<float>(), gradient.size(0), columns, into);
  } else {
    add_columns(gradient.data_ptr<at::BFloat16>(), gradient.size(0), columns, into);
  }
  weights.notice.send();
}

}  // namespace rest
