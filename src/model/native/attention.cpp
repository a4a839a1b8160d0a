#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "../vector_rows.hpp"
#include "native_functions.hpp"
#include "recorded_step.hpp"
#include "small_product.hpp"

namespace rest::native {
namespace {

/// A part of rows: values of head 0, and elements from row to row.
template <class Real>
struct Part {
  Real* values;
  std::int64_t stride;
};

/// What one head of one key sequence is worked out from.
template <class Real>
struct Head {
  Part<const Real> query, key, value;
};

std::int64_t padded(std::int64_t size) { return (size + float_lanes - 1) / float_lanes * float_lanes; }

/// Memory of a thread, kept between heads; sizes in floats.
class Scratch {
 public:
  float* get(std::size_t slot, std::int64_t size) {
    auto& memory = slots_[slot];
    if (memory.size() < static_cast<std::size_t>(size)) memory.resize(static_cast<std::size_t>(size));
    return memory.data();
  }

 private:
  std::vector<float> slots_[10];
};

/// rows [count, dim] of a head in float32, with `width` from row to row and 0 behind dim.
template <class Real>
REST_INLINE void widen(const Part<const Real>& part, std::int64_t first, std::int64_t count, std::int64_t dim,
                       std::int64_t width, float scale, float* out) {
  for (std::int64_t r = 0; r < count; ++r) {
    const Real* const from = part.values + (first + r) * part.stride;
    for_lanes(
        dim, [&](std::int64_t i, const auto& load, const auto&) __attribute__((always_inline)) {
          Floats value;
          load(from, value);
          store_lanes(value * scale, out + r * width + i);
        });
  }
}

/// out [dim, width] = transpose of rows [count, row_width]; 0 from count to width. count <= width, both widths whole.
REST_INLINE void transpose_rows(const float* rows, std::int64_t row_width, std::int64_t count, std::int64_t dim,
                                std::int64_t width, float* out) {
  for (std::int64_t j = 0; j < width; j += float_lanes) {
    for (std::int64_t d = 0; d < dim; d += float_lanes) {
      Words tile[float_lanes];
      for (std::int64_t i = 0; i < float_lanes; ++i) {
        if (j + i < count) {
          std::memcpy(tile + i, rows + (j + i) * row_width + d, sizeof tile[i]);
        } else {
          tile[i] = Words{};
        }
      }
      transpose_words(tile);
      for (std::int64_t i = 0; i < float_lanes; ++i) std::memcpy(out + (d + i) * width + j, tile + i, sizeof tile[i]);
    }
  }
}

template <class Real>
REST_INLINE void narrow_rows(const float* rows, std::int64_t width, std::int64_t count, std::int64_t dim,
                             const Part<Real>& into, std::int64_t first) {
  for (std::int64_t r = 0; r < count; ++r) {
    Real* const to = into.values + (first + r) * into.stride;
    for_lanes(
        dim, [&](std::int64_t i, const auto&, const auto& store) __attribute__((always_inline)) {
          Floats value;
          load_lanes(rows + r * width + i, value);
          store(value, to);
        });
  }
}

struct Shape {
  std::int64_t queries, first_query, keys, first_key, dim;
  float scale;
  Sight sight;
};

/// A head in float32, rows padded to whole vectors, and the weights that its queries give its keys.
struct Weighed {
  float *query, *key, *value;  // [queries, dim], scaled; [keys, dim] twice
  float* columns;              // [dim, keys], the keys' at first
  float* weights;              // [queries, keys], 0 for what a query does not see
};

template <class Real>
REST_INLINE Weighed weigh(const Head<Real>& head, const Shape& s, Scratch& memory) {
  const std::int64_t dim = padded(s.dim), keys = padded(s.keys);
  const Weighed w{memory.get(0, s.queries * dim), memory.get(1, s.keys * dim), memory.get(3, s.keys * dim),
                  memory.get(2, dim * keys), memory.get(4, s.queries * keys)};
  widen(head.query, s.first_query, s.queries, s.dim, dim, s.scale, w.query);
  widen(head.key, s.first_key, s.keys, s.dim, dim, 1.0f, w.key);
  widen(head.value, s.first_key, s.keys, s.dim, dim, 1.0f, w.value);
  transpose_rows(w.key, dim, s.keys, dim, keys, w.columns);
  small_product({s.queries, keys, dim}, {w.query, dim, 1}, w.columns, w.weights);
  for (std::int64_t r = 0; r < s.queries; ++r)
    softmax_lanes(w.weights + r * keys, s.sight == Sight::all ? s.keys : r + 1, keys);
  return w;
}

template <class Real>
REST_INLINE void forward_head_of(const Head<Real>& head, const Shape& s, const Part<Real>& out, Scratch& memory) {
  const std::int64_t dim = padded(s.dim), keys = padded(s.keys);
  const Weighed w = weigh(head, s, memory);
  float* const result = memory.get(5, s.queries * dim);
  small_product({s.queries, dim, s.keys}, {w.weights, keys, 1}, w.value, result);
  narrow_rows(result, dim, s.queries, s.dim, out, s.first_query);
}

/// Sums of gradients of keys and values of one head; several sequences may read them.
struct KeyValueSums {
  float *key, *value;  // [keys, padded dim]
};

template <class Real>
REST_INLINE void backward_head_of(const Head<Real>& head, const Part<const Real>& gradient, const Shape& s,
                                  const Part<Real>& of_query, const KeyValueSums& sums, Scratch& memory) {
  const std::int64_t dim = padded(s.dim), keys = padded(s.keys);
  const Weighed weighed = weigh(head, s, memory);
  const float* const weights = weighed.weights;
  float* const result = memory.get(5, s.queries * dim);
  float* const g = memory.get(6, s.queries * dim);
  float* const of_weights = memory.get(7, s.queries * keys);
  widen(gradient, s.first_query, s.queries, s.dim, dim, 1.0f, g);
  transpose_rows(weighed.value, dim, s.keys, dim, keys, weighed.columns);
  small_product({s.queries, keys, dim}, {g, dim, 1}, weighed.columns, of_weights);
  small_product({s.keys, dim, s.queries}, {weights, 1, keys}, g, sums.value, Into::sum);
  for (std::int64_t r = 0; r < s.queries; ++r) {  // of scores: w (dw - sum of w dw)
    Floats sum = {}, w, dw;
    for (std::int64_t j = 0; j < keys; j += float_lanes) {
      load_lanes(weights + r * keys + j, w);
      load_lanes(of_weights + r * keys + j, dw);
      sum += w * dw;
    }
    const float mean = lane_sum(sum);
    for (std::int64_t j = 0; j < keys; j += float_lanes) {
      load_lanes(weights + r * keys + j, w);
      load_lanes(of_weights + r * keys + j, dw);
      store_lanes(w * (dw - mean), of_weights + r * keys + j);
    }
  }
  small_product({s.keys, dim, s.queries}, {of_weights, 1, keys}, weighed.query, sums.key, Into::sum);
  small_product({s.queries, dim, s.keys}, {of_weights, keys, 1}, weighed.key, result);
  for (std::int64_t i = 0; i < s.queries * dim; ++i) result[i] *= s.scale;
  narrow_rows(result, dim, s.queries, s.dim, of_query, s.first_query);
}

REST_CLONES void forward_head(const Head<float>& head, const Shape& s, const Part<float>& out, Scratch& memory) {
  forward_head_of(head, s, out, memory);
}
REST_CLONES void forward_head(const Head<at::BFloat16>& head, const Shape& s, const Part<at::BFloat16>& out,
                              Scratch& memory) {
  forward_head_of(head, s, out, memory);
}
REST_CLONES void backward_head(const Head<float>& head, const Part<const float>& gradient, const Shape& s,
                               const Part<float>& of_query, const KeyValueSums& sums, Scratch& memory) {
  backward_head_of(head, gradient, s, of_query, sums, memory);
}
REST_CLONES void backward_head(const Head<at::BFloat16>& head, const Part<const at::BFloat16>& gradient, const Shape& s,
                               const Part<at::BFloat16>& of_query, const KeyValueSums& sums, Scratch& memory) {
  backward_head_of(head, gradient, s, of_query, sums, memory);
}
REST_CLONES void narrow(const float* rows, std::int64_t width, std::int64_t count, std::int64_t dim,
                        const Part<float>& into, std::int64_t first) {
  narrow_rows(rows, width, count, dim, into, first);
}
REST_CLONES void narrow(const float* rows, std::int64_t width, std::int64_t count, std::int64_t dim,
                        const Part<at::BFloat16>& into, std::int64_t first) {
  narrow_rows(rows, width, count, dim, into, first);
}

/// Queries, keys and values of all heads, and which sequences read which.
struct Attention {
  torch::Tensor query, key_value;  // [target rows, ...], [source rows, ...]; the same for self-attention
  std::int64_t query_offset, key_offset, value_offset;
  std::vector<std::int64_t> targets, sources, readers;  // starts of sequences; Readers::first
  std::int64_t hidden, heads;
  Sight sight;

  std::int64_t dim() const { return hidden / heads; }
  std::int64_t tasks() const { return static_cast<std::int64_t>(readers.size() - 1) * heads; }
  Shape shape(std::size_t source, std::size_t target) const {
    return {targets[target + 1] - targets[target],
            targets[target],
            sources[source + 1] - sources[source],
            sources[source],
            dim(),
            1.0f / std::sqrt(static_cast<float>(dim())),
            sight};
  }
  template <class Real>
  Head<Real> head(std::int64_t h) const {
    const auto part = [&](const torch::Tensor& rows, std::int64_t offset) {
      return Part<const Real>{rows.data_ptr<Real>() + offset + h * dim(), rows.size(1)};
    };
    return {part(query, query_offset), part(key_value, key_offset), part(key_value, value_offset)};
  }
};

template <class Real>
torch::Tensor forward(const Attention& a) {
  torch::Tensor out = torch::empty({a.query.size(0), a.hidden}, a.query.options());
  at::parallel_for(0, a.tasks(), 1, [&](std::int64_t begin, std::int64_t end) {
    Scratch memory;
    for (std::int64_t task = begin; task < end; ++task) {
      const auto source = static_cast<std::size_t>(task / a.heads);
      const std::int64_t h = task % a.heads;
      const Part<Real> into{out.data_ptr<Real>() + h * a.dim(), a.hidden};
      for (auto t = static_cast<std::size_t>(a.readers[source]); t < static_cast<std::size_t>(a.readers[source + 1]);
           ++t) {
        forward_head(a.head<Real>(h), a.shape(source, t), into, memory);
      }
    }
  });
  return out;
}

/// `of_query` and `of_key_value` are shaped like query and key_value, and the same tensor for self-attention.
template <class Real>
void backward(const Attention& a, const torch::Tensor& gradient, const torch::Tensor& of_query,
              const torch::Tensor& of_key_value) {
  at::parallel_for(0, a.tasks(), 1, [&](std::int64_t begin, std::int64_t end) {
    Scratch memory;
    for (std::int64_t task = begin; task < end; ++task) {
      const auto source = static_cast<std::size_t>(task / a.heads);
      const std::int64_t h = task % a.heads, dim = padded(a.dim());
      const std::int64_t first = a.sources[source], keys = a.sources[source + 1] - first;
      const KeyValueSums sums{memory.get(8, keys * dim), memory.get(9, keys * dim)};
      std::fill_n(sums.key, keys * dim, 0.0f);
      std::fill_n(sums.value, keys * dim, 0.0f);
      const Part<const Real> from{gradient.data_ptr<Real>() + h * a.dim(), a.hidden};
      const Part<Real> query{of_query.data_ptr<Real>() + a.query_offset + h * a.dim(), of_query.size(1)};
      for (auto t = static_cast<std::size_t>(a.readers[source]); t < static_cast<std::size_t>(a.readers[source + 1]);
           ++t) {
        backward_head(a.head<Real>(h), from, a.shape(source, t), query, sums, memory);
      }
      const std::int64_t stride = of_key_value.size(1);
      Real* const to = of_key_value.data_ptr<Real>() + h * a.dim();
      narrow(sums.key, dim, keys, a.dim(), Part<Real>{to + a.key_offset, stride}, first);
      narrow(sums.value, dim, keys, a.dim(), Part<Real>{to + a.value_offset, stride}, first);
    }
  });
}

torch::Tensor forward_of(const Attention& a) {
  const torch::NoGradGuard no_gradient;
  return a.query.scalar_type() == torch::kFloat32 ? forward<float>(a) : forward<at::BFloat16>(a);
}

void backward_of(const Attention& a, const torch::Tensor& gradient, const torch::Tensor& of_query,
                 const torch::Tensor& of_key_value) {
  if (gradient.scalar_type() == torch::kFloat32) {
    backward<float>(a, gradient, of_query, of_key_value);
  } else {
    backward<at::BFloat16>(a, gradient, of_query, of_key_value);
  }
}

bool recorded(const torch::Tensor& x) { return torch::GradMode::is_enabled() && x.requires_grad(); }

}  // namespace

torch::Tensor self_attention(const torch::Tensor& qkv, const Sequences& sequences, std::int64_t heads, Sight sight) {
  const std::int64_t hidden = qkv.size(1) / 3;
  std::vector<std::int64_t> each(sequences.starts.size());
  for (std::size_t i = 0; i < each.size(); ++i) each[i] = static_cast<std::int64_t>(i);
  const Attention a{qkv.detach(),     qkv.detach(), 0,      hidden, 2 * hidden, sequences.starts,
                    sequences.starts, each,         hidden, heads,  sight};
  torch::Tensor out = forward_of(a);
  if (recorded(qkv)) {
    record_step({qkv}, {out}, [a](const auto& gradients) -> torch::autograd::variable_list {
      const torch::Tensor into = torch::empty_like(a.query);
      backward_of(a, gradients[0].contiguous(), into, into);
      return {into};
    });
  }
  return out;
}

torch::Tensor cross_attention(const torch::Tensor& query, const torch::Tensor& key_value, const Sequences& targets,
                              const Sequences& sources, const Readers& readers, std::int64_t heads) {
  const std::int64_t hidden = query.size(1);
  const Attention a{query.detach(), key_value.detach(), 0,      0,     hidden,    targets.starts,
                    sources.starts, readers.first,      hidden, heads, Sight::all};
  torch::Tensor out = forward_of(a);
  if (recorded(query) || recorded(key_value)) {
    record_step({query, key_value}, {out}, [a](const auto& gradients) -> torch::autograd::variable_list {
      const torch::Tensor of_query = torch::empty_like(a.query), of_key_value = torch::empty_like(a.key_value);
      backward_of(a, gradients[0].contiguous(), of_query, of_key_value);
      return {of_query, of_key_value};
    });
  }
  return out;
}

}  // namespace rest::native
