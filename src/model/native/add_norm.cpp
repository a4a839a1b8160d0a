#include <ATen/Parallel.h>

#include <cmath>
#include <vector>

#include "../vector_rows.hpp"
#include "dropout_rows.hpp"
#include "native_functions.hpp"
#include "recorded_step.hpp"

namespace rest::native {
namespace {

constexpr std::int64_t task_rows = 64;

struct Statistics {
  float mean, factor;  // (x - mean) * factor is normed
};

/// One row: sum = x + mask * y (as it is stored), normed, and how.
template <class Real>
REST_INLINE Statistics forward_row(const Real* x, const Real* y, const float* mask, const Real* weight,
                                   const Real* bias, std::int64_t size, Real* sum, Real* normed) {
  const float inverse = 1.0f / static_cast<float>(size);
  Floats total = {};
  for_lanes(
      size, [&](std::int64_t, const auto& load, const auto& store) __attribute__((always_inline)) {
        Floats value, add, factor;
        load(x, value);
        if (y) {
          load(y, add);
          if (mask) {
            load(mask, factor);
            add *= factor;
          }
          store(value + add, sum);
          load(sum, value);
        }
        total += value;
      });
  const Real* const from = y ? sum : x;
  const float mean = lane_sum(total) * inverse;
  Floats squares = {};
  std::int64_t done = 0;
  for_lanes(
      size, [&](std::int64_t first, const auto& load, const auto&) __attribute__((always_inline)) {
        Floats value;
        load(from, value);
        value -= mean;
        squares += value * value;
        done = first + float_lanes;
      });
  // The lanes beyond the last feature were 0, and so -mean.
  const float beyond = static_cast<float>(done - size) * mean * mean;
  const float factor = 1.0f / std::sqrt((lane_sum(squares) - beyond) * inverse + static_cast<float>(norm_epsilon));
  for_lanes(
      size, [&](std::int64_t, const auto& load, const auto& store) __attribute__((always_inline)) {
        Floats value, w, b;
        load(from, value);
        load(weight, w);
        load(bias, b);
        store((value - mean) * factor * w + b, normed);
      });
  return {mean, factor};
}

template <class Real>
struct Forward {
  const Real *x, *y, *weight, *bias;
  const DropoutRows* mask;
  std::int64_t size;
  Real *sum, *normed;
  Statistics* statistics;
};

template <class Real>
REST_INLINE void forward_rows(const Forward<Real>& f, std::int64_t begin, std::int64_t end, float* mask) {
  for (std::int64_t r = begin; r < end; ++r) {
    if (f.mask) f.mask->fill(r, mask);
    const std::int64_t at = r * f.size;
    f.statistics[r] = forward_row(f.x + at, f.y ? f.y + at : nullptr, f.mask ? mask : nullptr, f.weight, f.bias, f.size,
                                  f.sum ? f.sum + at : nullptr, f.normed + at);
  }
}
REST_CLONES void run(const Forward<float>& f, std::int64_t begin, std::int64_t end, float* mask) {
  forward_rows(f, begin, end, mask);
}
REST_CLONES void run(const Forward<at::BFloat16>& f, std::int64_t begin, std::int64_t end, float* mask) {
  forward_rows(f, begin, end, mask);
}

/// Gradients of a row: dx of what was summed, dy = mask * dx, and what the row adds to those of weight and bias.
template <class Real>
REST_INLINE void backward_row(const Statistics& s, const Real* sum, const Real* weight, const Real* of_sum,
                              const Real* of_normed, const float* mask, std::int64_t size, Real* dx, Real* dy,
                              float* of_weight, float* of_bias) {
  const float inverse = 1.0f / static_cast<float>(size);
  Floats plain = {}, weighted = {};
  if (of_normed) {
    for_lanes(
        size, [&](std::int64_t, const auto& load, const auto& store) __attribute__((always_inline)) {
          Floats value, gradient, w, into;
          load(sum, value);
          load(of_normed, gradient);
          load(weight, w);
          value = (value - s.mean) * s.factor;
          load(of_weight, into);
          store(into + gradient * value, of_weight);
          load(of_bias, into);
          store(into + gradient, of_bias);
          gradient *= w;
          plain += gradient;
          weighted += gradient * value;
        });
  }
  const float mean = lane_sum(plain) * inverse, slope = lane_sum(weighted) * inverse;
  for_lanes(
      size, [&](std::int64_t, const auto& load, const auto& store) __attribute__((always_inline)) {
        Floats result = {}, value, gradient, w, factor;
        if (of_normed) {
          load(sum, value);
          load(of_normed, gradient);
          load(weight, w);
          value = (value - s.mean) * s.factor;
          result = s.factor * (gradient * w - mean - value * slope);
        }
        if (of_sum) {
          load(of_sum, gradient);
          result += gradient;
        }
        store(result, dx);
        if (dy) {
          if (mask) {
            load(mask, factor);
            result *= factor;
          }
          store(result, dy);
        }
      });
}

template <class Real>
struct BackwardRows {
  const Statistics* statistics;
  const Real *sum, *weight, *of_sum, *of_normed;
  const DropoutRows* mask;
  std::int64_t size;
  Real *dx, *dy;
};

template <class Real>
REST_INLINE void backward_rows(const BackwardRows<Real>& b, std::int64_t begin, std::int64_t end, float* mask,
                               float* of_weight, float* of_bias) {
  for (std::int64_t r = begin; r < end; ++r) {
    if (b.mask) b.mask->fill(r, mask);
    const std::int64_t at = r * b.size;
    backward_row(b.statistics[r], b.sum + at, b.weight, b.of_sum ? b.of_sum + at : nullptr,
                 b.of_normed ? b.of_normed + at : nullptr, b.mask ? mask : nullptr, b.size, b.dx + at,
                 b.dy ? b.dy + at : nullptr, of_weight, of_bias);
  }
}
REST_CLONES void run(const BackwardRows<float>& b, std::int64_t begin, std::int64_t end, float* mask, float* of_weight,
                     float* of_bias) {
  backward_rows(b, begin, end, mask, of_weight, of_bias);
}
REST_CLONES void run(const BackwardRows<at::BFloat16>& b, std::int64_t begin, std::int64_t end, float* mask,
                     float* of_weight, float* of_bias) {
  backward_rows(b, begin, end, mask, of_weight, of_bias);
}

/// What the backward pass needs.
struct Kept {
  torch::Tensor sum, statistics;  // statistics [rows, 2]
  NormWeights norm;
  DropoutSite site;
  bool added;
};

template <class Real>
SumAndNorm forward(const torch::Tensor& x, const torch::Tensor& y, const NormWeights& norm, const DropoutSite& site,
                   const torch::Tensor& statistics) {
  const std::int64_t rows = x.size(0), size = x.size(1);
  SumAndNorm out{y.defined() ? torch::empty_like(x) : x.detach(), torch::empty_like(x)};
  const auto mask = dropout_rows(site, size);
  const Forward<Real> f{x.data_ptr<Real>(),
                        y.defined() ? y.data_ptr<Real>() : nullptr,
                        norm.weight.data_ptr<Real>(),
                        norm.bias.data_ptr<Real>(),
                        mask ? &*mask : nullptr,
                        size,
                        y.defined() ? out.sum.data_ptr<Real>() : nullptr,
                        out.normed.data_ptr<Real>(),
                        reinterpret_cast<Statistics*>(statistics.data_ptr<float>())};
  at::parallel_for(0, rows, task_rows, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> memory(static_cast<std::size_t>(size));
    run(f, begin, end, memory.data());
  });
  return out;
}

template <class Real>
torch::autograd::variable_list backward(const Kept& kept, const torch::Tensor& of_sum, const torch::Tensor& of_normed) {
  const std::int64_t rows = kept.sum.size(0), size = kept.sum.size(1);
  const torch::Tensor dx = torch::empty_like(kept.sum);
  const bool drops = kept.site.probability > 0.0;
  const torch::Tensor dy = kept.added && drops ? torch::empty_like(dx) : torch::Tensor();
  const auto mask = dropout_rows(kept.site, size);
  const BackwardRows<Real> b{reinterpret_cast<const Statistics*>(kept.statistics.data_ptr<float>()),
                             kept.sum.data_ptr<Real>(),
                             kept.norm.weight.data_ptr<Real>(),
                             of_sum.defined() ? of_sum.data_ptr<Real>() : nullptr,
                             of_normed.defined() ? of_normed.data_ptr<Real>() : nullptr,
                             mask ? &*mask : nullptr,
                             size,
                             dx.data_ptr<Real>(),
                             dy.defined() ? dy.data_ptr<Real>() : nullptr};
  // Sums of fixed tasks, added up in order: equal on any number of threads.
  const std::int64_t tasks = (rows + task_rows - 1) / task_rows;
  const torch::Tensor sums = torch::zeros({tasks, 2, size});
  at::parallel_for(0, tasks, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> memory(static_cast<std::size_t>(size));
    for (std::int64_t task = begin; task < end; ++task) {
      float* const own = sums.data_ptr<float>() + task * 2 * size;
      run(b, task * task_rows, std::min(rows, (task + 1) * task_rows), memory.data(), own, own + size);
    }
  });
  const torch::Tensor total = sums.sum(0);
  torch::Tensor of_weight = kept.norm.weight_gradient, of_bias = kept.norm.bias_gradient;
  of_weight.add_(total[0]);
  of_bias.add_(total[1]);
  kept.norm.notice.send();
  if (!kept.added) return {dx};
  return {dx, drops ? dy : dx};
}

}  // namespace

SumAndNorm add_norm(const torch::Tensor& x, const torch::Tensor& y, const NormWeights& norm, const DropoutSite& site) {
  const bool wide = x.scalar_type() == torch::kFloat32;
  const bool recorded = torch::GradMode::is_enabled() && x.requires_grad();
  const torch::Tensor statistics = torch::empty({x.size(0), 2});
  SumAndNorm out;
  {
    const torch::NoGradGuard no_gradient;
    out = wide ? forward<float>(x, y, norm, site, statistics) : forward<at::BFloat16>(x, y, norm, site, statistics);
  }
  if (!recorded) return out;
  const Kept kept{out.sum.detach(), statistics, norm, site, y.defined()};
  const auto back = [kept, wide](const torch::autograd::variable_list& gradients) {
    const auto dense = [](const torch::Tensor& g) { return g.defined() ? g.contiguous() : g; };
    const torch::Tensor of_sum = dense(gradients[0]), of_normed = dense(gradients[1]);
    return wide ? backward<float>(kept, of_sum, of_normed) : backward<at::BFloat16>(kept, of_sum, of_normed);
  };
  if (y.defined()) {
    record_step({x, y}, {out.sum, out.normed}, back);
  } else {
    record_step({x}, {out.sum, out.normed}, back);
  }
  return out;
}

}  // namespace rest::native
