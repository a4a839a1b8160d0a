#include "head_operators.hpp"

#include <ATen/ATen.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

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
class Drawer {
 public:
  Drawer(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums, double temperature)
      : type_(sums.scalar_type()),
        hidden_(hidden),
        embedding_(embedding),
        sums_(reinterpret_cast<const BlockSums<Real>*>(sums.data_ptr<Real>())),
        blocks_(sums.size(1)),
        factor_(static_cast<std::size_t>(blocks_)),
        cumulative_(static_cast<std::size_t>(blocks_)) {
    options_.temperature = temperature;
  }

  /// request and result as the operator's rows.
  void draw(const double* request, double* result) {
    enter_row(static_cast<std::int64_t>(request[0]));
    const BlockDraw drawn = place(request[1], static_cast<std::int64_t>(request[2]));
    compute_block(drawn.block);
    const std::int64_t first = drawn.block * head_block;
    const std::int64_t likeliest = std::max_element(logits_, logits_ + valid_) - logits_;
    std::int64_t within = static_cast<std::int64_t>(request[2]) - first;
    if (request[2] < 0) within = greedy() ? likeliest : draw_token(weights_, drawn.left);
    const auto logit = static_cast<double>(logits_[within]);
    result[0] = static_cast<double>(first + within);
    result[1] = logit - row_sums_.log_normaliser;
    if (greedy()) {
      const bool chosen = within == likeliest && logit >= row_sums_.max - 1e-5 * std::abs(row_sums_.max);
      result[2] = chosen ? 0.0 : -std::numeric_limits<double>::infinity();
    } else {
      result[2] = (logit - row_sums_.max) / options_.temperature - std::log(cumulative_.back());
    }
  }

 private:
  bool greedy() const { return options_.temperature == 0.0; }

  void enter_row(std::int64_t row) {
    if (row == row_) return;
    row_ = row;
    row_sums_ = sum_row(sums_ + row * blocks_, blocks_, options_, factor_.data(), cumulative_.data());
  }

  BlockDraw place(double uniform, std::int64_t token) const {
    if (token >= 0) return {token / head_block, 0.0};
    if (!greedy()) return draw_block(uniform, factor_.data(), cumulative_.data(), blocks_);
    const auto* const of_row = sums_ + row_ * blocks_;
    const auto less = [](const BlockSums<Real>& a, const BlockSums<Real>& b) { return a.max < b.max; };
    return {std::max_element(of_row, of_row + blocks_, less) - of_row, 0.0};
  }

  void compute_block(std::int64_t block) {
    const std::int64_t first = block * head_block;
    valid_ = std::min(head_block, embedding_.size(0) - first);
    const at::Tensor logits = at::mv(embedding_.narrow(0, first, valid_).to(type_), hidden_[row_].to(type_));
    std::copy_n(logits.data_ptr<Real>(), valid_, logits_);
    BlockSums<Real> again;
    sum_blocks(logits_, valid_, inverse_temperature<Real>(options_), &again, weights_);
  }

  SamplingOptions options_;
  at::ScalarType type_;
  const at::Tensor &hidden_, &embedding_;
  const BlockSums<Real>* sums_;  // [rows, blocks]
  std::int64_t blocks_, row_ = -1, valid_ = 0;
  RowSums row_sums_{};
  std::vector<double> factor_, cumulative_;        // [blocks], of the row
  Real logits_[head_block], weights_[head_block];  // of the block
};

template <class Real>
void draw_all(Drawer<Real> drawer, const at::Tensor& draws, at::Tensor& results) {
  for (std::int64_t i = 0; i < draws.size(0); ++i) {
    drawer.draw(draws.data_ptr<double>() + 3 * i, results.data_ptr<double>() + 3 * i);
  }
}

at::Tensor draw_pieces_on_cpu(const at::Tensor& hidden, const at::Tensor& embedding, const at::Tensor& sums,
                              const at::Tensor& draws, double temperature) {
  at::Tensor results = at::empty_like(draws);
  if (sums.scalar_type() == at::kDouble) {
    draw_all(Drawer<double>(hidden, embedding, sums, temperature), draws, results);
  } else {
    draw_all(Drawer<float>(hidden, embedding, sums, temperature), draws, results);
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
