#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "../../model/wide_products.hpp"
#include "../decoder/staging.hpp"
#include "head_draw.hpp"
#include "head_operators.hpp"
#include "projection_head.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

/// Pieces whose logits are made at a time: whole blocks, few enough bytes for a GPU's cache at some hundred rows.
constexpr std::int64_t slice = 32 * head_block;

/// What a row of draw_pieces' tensors holds.
constexpr std::int64_t fields = 3;

/// By the operators of head_operators.hpp: what leaves the device is the draws' pieces and log-probabilities.
class OperatorHead : public ProjectionHead {
 public:
  OperatorHead(const Transformer& model, const SamplingOptions& options)
      : model_(model),
        options_(options),
        requests_(at::kDouble, model.device()),
        results_(at::kDouble, model.device()) {}

  void draw(const at::Tensor& hidden, std::vector<Draw>& draws) override {
    if (draws.empty()) return;
    const at::Tensor requests = send(draws);
    const at::Tensor rows = hidden.to(model_.dtype()), sums = sum_vocabulary(rows);
    results_.start(draw_pieces(rows, model_.target_embedding().weight, sums, requests, options_.temperature));
    read(results_.wait(), draws);
  }

 private:
  at::Tensor send(const std::vector<Draw>& draws) {
    double* request = requests_.next(fields * static_cast<std::int64_t>(draws.size())).data_ptr<double>();
    for (const Draw& draw : draws) {
      *request++ = static_cast<double>(draw.row);
      *request++ = draw.uniform;
      *request++ = static_cast<double>(draw.token);
    }
    return requests_.send().view({-1, fields});
  }

  /// -> [rows, blocks, 3]
  at::Tensor sum_vocabulary(const at::Tensor& rows) const {
    const at::Tensor& embedding = model_.target_embedding().weight;
    const std::int64_t pieces = embedding.size(0);
    const auto type = rows.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const at::Tensor sums = at::empty({rows.size(0), head_blocks(pieces), 3}, rows.options().dtype(type));
    const double inverse = inverse_temperature<double>(options_);
    for (std::int64_t first = 0; first < pieces; first += slice) {
      const std::int64_t count = std::min(slice, pieces - first);
      sum_head_blocks(wide_product(rows, embedding.narrow(0, first, count)), inverse,
                      sums.narrow(1, first / head_block, head_blocks(count)));
    }
    return sums;
  }

  static void read(const at::Tensor& results, std::vector<Draw>& draws) {
    const double* result = results.data_ptr<double>();
    for (Draw& draw : draws) {
      draw.token = static_cast<std::int64_t>(*result++);
      draw.log_prob = *result++;
      draw.sampling_log_prob = *result++;
      if (std::isnan(draw.log_prob)) {
        throw Error("the policy's logits are not finite", "its weights hold NaN or infinity");
      }
    }
  }

  const Transformer& model_;
  SamplingOptions options_;
  Upload requests_;
  Download results_;
};

}  // namespace

std::unique_ptr<ProjectionHead> operator_head(const Transformer& model, const SamplingOptions& options) {
  return std::make_unique<OperatorHead>(model, options);
}

}  // namespace rest
