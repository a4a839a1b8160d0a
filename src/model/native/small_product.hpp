#pragma once

#include <cstdint>

#include "../products/matrix_product.hpp"
#include "../vector_rows.hpp"

namespace rest {

/// The first factor of a small product: a(row, i) = values[row * row_stride + i * inner_stride].
struct SmallFactor {
  const float* values;
  std::int64_t row_stride, inner_stride;
};

/// `Rows` rows and `Vectors` times 16 columns, held in registers.
template <int Rows, int Vectors>
REST_INLINE void small_tile(std::int64_t inner, const SmallFactor& a, const float* b, std::int64_t columns, float* out,
                            Into into) {
  Floats sums[Rows][Vectors] = {};
  if (into == Into::sum) {
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) load_lanes(out + r * columns + v * float_lanes, sums[r][v]);
  }
  for (std::int64_t i = 0; i < inner; ++i) {
    Floats from[Vectors];
    for (int v = 0; v < Vectors; ++v) load_lanes(b + i * columns + v * float_lanes, from[v]);
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) sums[r][v] += a.values[r * a.row_stride + i * a.inner_stride] * from[v];
  }
  for (int r = 0; r < Rows; ++r)
    for (int v = 0; v < Vectors; ++v) store_lanes(sums[r][v], out + r * columns + v * float_lanes);
}

template <int Vectors>
REST_INLINE void small_columns(const ProductShape& shape, const SmallFactor& a, const float* b, float* out, Into into) {
  std::int64_t r = 0;
  const auto rest = [&] { return SmallFactor{a.values + r * a.row_stride, a.row_stride, a.inner_stride}; };
  for (; r + 6 <= shape.rows; r += 6)
    small_tile<6, Vectors>(shape.inner, rest(), b, shape.columns, out + r * shape.columns, into);
  for (; r + 2 <= shape.rows; r += 2)
    small_tile<2, Vectors>(shape.inner, rest(), b, shape.columns, out + r * shape.columns, into);
  if (r < shape.rows) small_tile<1, Vectors>(shape.inner, rest(), b, shape.columns, out + r * shape.columns, into);
}

/// out [rows, columns] = a b, b [inner, columns], columns a multiple of 16: for factors too small for a library's
/// product. To be inlined into functions with clones for several instruction sets.
REST_INLINE void small_product(const ProductShape& shape, const SmallFactor& a, const float* b, float* out,
                               Into into = Into::fresh) {
  std::int64_t c = 0;
  for (; c + 4 * float_lanes <= shape.columns; c += 4 * float_lanes) small_columns<4>(shape, a, b + c, out + c, into);
  for (; c + 2 * float_lanes <= shape.columns; c += 2 * float_lanes) small_columns<2>(shape, a, b + c, out + c, into);
  if (c < shape.columns) small_columns<1>(shape, a, b + c, out + c, into);
}

}  // namespace rest
