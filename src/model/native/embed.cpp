#include <ATen/Parallel.h>

#include <cmath>
#include <vector>

#include "../vector_rows.hpp"
#include "dropout_rows.hpp"
#include "native_functions.hpp"
#include "recorded_step.hpp"

namespace rest::native {
namespace {

template <class Real>
REST_INLINE void embed_row_of(const Real* embedding, const Real* position, const float* mask, float scale,
                              std::int64_t size, Real* out) {
  for_lanes(
      size, [&](std::int64_t, const auto& load, const auto& store) __attribute__((always_inline)) {
        Floats value, other;
        load(embedding, value);
        load(position, other);
        value = value * scale + other;
        if (mask) {
          load(mask, other);
          value *= other;
        }
        store(value, out);
      });
}
REST_CLONES void embed_row(const float* embedding, const float* position, const float* mask, float scale,
                           std::int64_t size, float* out) {
  embed_row_of(embedding, position, mask, scale, size, out);
}
REST_CLONES void embed_row(const at::BFloat16* embedding, const at::BFloat16* position, const float* mask, float scale,
                           std::int64_t size, at::BFloat16* out) {
  embed_row_of(embedding, position, mask, scale, size, out);
}

template <class Real>
REST_INLINE void add_row_of(const Real* gradient, const float* mask, float scale, std::int64_t size, float* into) {
  for_lanes(
      size, [&](std::int64_t, const auto& load, const auto& store) __attribute__((always_inline)) {
        Floats value, other;
        load(gradient, value);
        value *= scale;
        if (mask) {
          load(mask, other);
          value *= other;
        }
        load(into, other);
        store(other + value, into);
      });
}
REST_CLONES void add_row(const float* gradient, const float* mask, float scale, std::int64_t size, float* into) {
  add_row_of(gradient, mask, scale, size, into);
}
REST_CLONES void add_row(const at::BFloat16* gradient, const float* mask, float scale, std::int64_t size, float* into) {
  add_row_of(gradient, mask, scale, size, into);
}

float scale_of(std::int64_t size) { return std::sqrt(static_cast<float>(size)); }

template <class Real>
torch::Tensor forward(const torch::Tensor& embedding, const torch::Tensor& pieces, const torch::Tensor& positions,
                      const torch::Tensor& table, const DropoutSite& site) {
  const std::int64_t rows = pieces.size(0), size = embedding.size(1);
  torch::Tensor out = torch::empty({rows, size}, embedding.options());
  const auto mask = dropout_rows(site, size);
  const auto* const piece = pieces.data_ptr<std::int64_t>();
  const auto* const position = positions.data_ptr<std::int64_t>();
  at::parallel_for(0, rows, 64, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> memory(static_cast<std::size_t>(size));
    for (std::int64_t r = begin; r < end; ++r) {
      if (mask) mask->fill(r, memory.data());
      embed_row(embedding.data_ptr<Real>() + piece[r] * size, table.data_ptr<Real>() + position[r] * size,
                mask ? memory.data() : nullptr, scale_of(size), size, out.data_ptr<Real>() + r * size);
    }
  });
  return out;
}

/// In the order of rows, whatever the number of threads: pieces repeat.
template <class Real>
void backward(const torch::Tensor& gradient, const torch::Tensor& pieces, const DropoutSite& site,
              const torch::Tensor& into) {
  const std::int64_t size = gradient.size(1);
  const auto mask = dropout_rows(site, size);
  const auto* const piece = pieces.data_ptr<std::int64_t>();
  std::vector<float> memory(static_cast<std::size_t>(size));
  for (std::int64_t r = 0; r < gradient.size(0); ++r) {
    if (mask) mask->fill(r, memory.data());
    add_row(gradient.data_ptr<Real>() + r * size, mask ? memory.data() : nullptr, scale_of(size), size,
            into.data_ptr<float>() + piece[r] * size);
  }
}

}  // namespace

torch::Tensor embed(const EmbeddingWeights& embedding, const torch::Tensor& pieces, const torch::Tensor& positions,
                    const torch::Tensor& table, const DropoutSite& site) {
  const bool wide = embedding.weight.scalar_type() == torch::kFloat32;
  torch::Tensor out;
  {
    const torch::NoGradGuard no_gradient;
    out = wide ? forward<float>(embedding.weight, pieces, positions, table, site)
               : forward<at::BFloat16>(embedding.weight, pieces, positions, table, site);
  }
  if (torch::GradMode::is_enabled() && embedding.weight.requires_grad()) {
    record_step({}, {out}, [into = embedding.gradient, pieces, site, wide](const auto& gradients) {
      const torch::Tensor gradient = gradients[0].contiguous();
      wide ? backward<float>(gradient, pieces, site, into) : backward<at::BFloat16>(gradient, pieces, site, into);
      return torch::autograd::variable_list{};
    });
  }
  return out;
}

}  // namespace rest::native
