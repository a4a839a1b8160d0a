#include "head_operators.hpp"

#include <ATen/ATen.h>
#include <torch/library.h>

#include <algorithm>

#include "head_draw.hpp"

namespace rest {
namespace {

template <class Real>
void sum_rows(const at::Tensor& logits, double inverse_temperature, const at::Tensor& sums) {
  const std::int64_t pieces = logits.size(1);
  for (std::int64_t row = 0; row < logits.size(0); ++row) {
    sum_blocks(logits.data_ptr<Real>() + row * pieces, pieces, static_cast<Real>(inverse_temperature),
               reinterpret_cast<BlockSums<Real>*>(sums.data_ptr<Real>() + row * sums.stride(0)));
  }
}

void sum_head_blocks_on_cpu(const at::Tensor& logits, double inverse_temperature, const at::Tensor& sums) {
  if (logits.scalar_type() == at::kDouble) {
    sum_rows<double>(logits, inverse_temperature, sums);
  } else {
    sum_rows<float>(logits, inverse_temperature, sums);
  }
}

template <class Real>
void draw_all(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums, const at::Tensor& draws,
              const SamplingOptions& options, at::Tensor& results) {
  const auto* const blocks = reinterpret_cast<const BlockSums<Real>*>(sums.data_ptr<Real>());
  const auto type = sums.scalar_type();
  RowDrawer<Real> drawer(options, sums.size(1));
  std::int64_t entered = -1;
  for (std::int64_t i = 0; i < draws.size(0); ++i) {
    const double* const request = draws.data_ptr<double>() + 3 * i;
    const auto row = static_cast<std::int64_t>(request[0]), token = static_cast<std::int64_t>(request[2]);
    if (row != entered) drawer.enter(blocks + (entered = row) * sums.size(1));
    const BlockDraw place = drawer.place(request[1], token);
    const std::int64_t first = place.block * head_block, valid = std::min(head_block, embedding.size(0) - first);
    const at::Tensor logits = at::mv(embedding.narrow(0, first, valid).to(type), hidden[row].to(type));
    std::copy_n(logits.data_ptr<Real>(), valid, drawer.logits());
    drawer.weigh(valid);
    const DrawnToken drawn = drawer.draw(place, token);
    double* const result = results.data_ptr<double>() + 3 * i;
    result[0] = static_cast<double>(drawn.token);
    result[1] = drawn.log_prob;
    result[2] = drawn.sampling_log_prob;
  }
}

at::Tensor draw_pieces_on_cpu(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                              const at::Tensor& draws, double temperature) {
  at::Tensor results = at::empty_like(draws);
  SamplingOptions options;
  options.temperature = temperature;
  if (sums.scalar_type() == at::kDouble) {
    draw_all<double>(hidden, embedding, sums, draws, options, results);
  } else {
    draw_all<float>(hidden, embedding, sums, draws, options, results);
  }
  return results;
}

TORCH_LIBRARY_FRAGMENT(rest, library) {
  library.def("sum_head_blocks(Tensor logits, float inverse_temperature, Tensor(a!) sums) -> ()");
  library.def("draw_pieces(Tensor hidden, Tensor embedding, Tensor sums, Tensor draws, float temperature) -> Tensor");
}
TORCH_LIBRARY_IMPL(rest, CPU, library) {
  library.impl("sum_head_blocks", &sum_head_blocks_on_cpu);
  library.impl("draw_pieces", &draw_pieces_on_cpu);
}

}  // namespace

void sum_head_blocks(const at::Tensor& logits, double inverse_temperature, const at::Tensor& sums) {
  static const auto sum = c10::Dispatcher::singleton()
                              .findSchemaOrThrow("rest::sum_head_blocks", "")
                              .typed<decltype(sum_head_blocks_on_cpu)>();
  sum.call(logits, inverse_temperature, sums);
}

at::Tensor draw_pieces(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                       const at::Tensor& draws, double temperature) {
  static const auto draw =
      c10::Dispatcher::singleton().findSchemaOrThrow("rest::draw_pieces", "").typed<decltype(draw_pieces_on_cpu)>();
  return draw.call(hidden, embedding, sums, draws, temperature);
}

}  // namespace rest
