#include "attention_operators.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <algorithm>
#include <vector>

#include "attention.hpp"
#include "rest/core/error.hpp"
#include "source_place.hpp"

namespace rest {
namespace {

constexpr std::int64_t rows_per_task = 8;

/// Calls body(Real{}) with the type that attention is computed in.
template <class Body>
void with_type(const at::Tensor& tensor, Body body) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return body(float{});
    case at::kDouble:
      return body(double{});
    default:
      throw Error("attention on the CPU is in float32 or float64");
  }
}

template <class Real>
void attend_path(const Real* qkv, Real* table, const std::int64_t* path, std::int64_t length, AttentionShape shape,
                 Real* out) {
  std::copy_n(qkv + shape.hidden(), 2 * shape.hidden(), table + path[length - 1] * 2 * shape.hidden());
  const std::vector<std::int32_t> entries(path, path + length);
  std::vector<Real> scratch(attention_scratch(shape, length));
  attend(qkv, Attended<Real>{table, entries.data(), length}, shape, scratch.data(), out);
}

at::Tensor tree_attention_on_cpu(const at::Tensor& qkv, const at::Tensor& cache, const at::Tensor& paths,
                                 const at::Tensor& offsets, std::int64_t heads) {
  const std::int64_t rows = qkv.size(0), hidden = qkv.size(1) / 3;
  const AttentionShape shape{heads, hidden / heads};
  const at::Tensor input = qkv.contiguous();
  at::Tensor out = at::zeros({rows, hidden}, qkv.options());
  const auto *const nodes = paths.data_ptr<std::int64_t>(), *const first = offsets.data_ptr<std::int64_t>();
  with_type(qkv, [&](auto zero) {
    using Real = decltype(zero);
    at::parallel_for(0, rows, rows_per_task, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const std::int64_t length = first[row + 1] - first[row];
        if (length == 0) continue;
        attend_path(input.data_ptr<Real>() + row * 3 * hidden, cache.data_ptr<Real>(), nodes + first[row], length,
                    shape, out.data_ptr<Real>() + row * hidden);
      }
    });
  });
  return out;
}

at::Tensor source_attention_on_cpu(const at::Tensor& query, const at::Tensor& places, std::int64_t heads) {
  const std::int64_t rows = query.size(0), hidden = query.size(1);
  const AttentionShape shape{heads, hidden / heads};
  const at::Tensor input = query.contiguous();
  at::Tensor out = at::zeros({rows, hidden}, query.options());
  const auto* const of_rows = reinterpret_cast<const SourcePlace*>(places.data_ptr<std::int64_t>());
  with_type(query, [&](auto zero) {
    using Real = decltype(zero);
    at::parallel_for(0, rows, rows_per_task, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row) {
        const SourcePlace& place = of_rows[row];
        if (place.length == 0) continue;
        const AttendedSource<Real> over{reinterpret_cast<const Real*>(place.keys),
                                        reinterpret_cast<const Real*>(place.values), place.length, place.padded};
        std::vector<Real> scratch(attention_scratch(shape, place.padded));
        attend(input.data_ptr<Real>() + row * hidden, 1, over, shape, scratch.data(),
               out.data_ptr<Real>() + row * hidden);
      }
    });
  });
  return out;
}

TORCH_LIBRARY_FRAGMENT(rest, library) {
  library.def("tree_attention(Tensor qkv, Tensor(a!) cache, Tensor paths, Tensor offsets, int heads) -> Tensor");
  library.def("source_attention(Tensor query, Tensor places, int heads) -> Tensor");
}
TORCH_LIBRARY_IMPL(rest, CPU, library) {
  library.impl("tree_attention", &tree_attention_on_cpu);
  library.impl("source_attention", &source_attention_on_cpu);
}

}  // namespace

at::Tensor tree_attention(const at::Tensor& qkv, const at::Tensor& cache, const at::Tensor& paths,
                          const at::Tensor& offsets, std::int64_t heads) {
  static const auto attention = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("rest::tree_attention", "")
                                    .typed<decltype(tree_attention_on_cpu)>();
  return attention.call(qkv, cache, paths, offsets, heads);
}

at::Tensor source_attention(const at::Tensor& query, const at::Tensor& places, std::int64_t heads) {
  static const auto attention = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("rest::source_attention", "")
                                    .typed<decltype(source_attention_on_cpu)>();
  return attention.call(query, places, heads);
}

}  // namespace rest
