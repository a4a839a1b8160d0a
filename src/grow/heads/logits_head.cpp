#include <algorithm>

#include "../../model/wide_products.hpp"
#include "../products/packed_model.hpp"
#include "projection_head.hpp"

namespace rest {
namespace {

/// Logits that are made and drawn from at a time: enough rows for the matrix product, few enough bytes for the cache
/// or, from a GPU, for a copy.
constexpr std::int64_t logits_bytes = 4 << 20, copied_bytes = 128 << 20;

class LogitsHead : public ProjectionHead {
 public:
  LogitsHead(const Transformer& model, const SamplingOptions& options)
      : model_(model), head_(options, model.config().vocabulary_size) {}

  void draw(const at::Tensor& hidden, std::vector<Draw>& draws) override {
    const std::int64_t rows = hidden.size(0), together = rows_together(hidden);
    auto draw = draws.begin();
    for (std::int64_t first = 0; first < rows; first += together) {
      const std::int64_t count = std::min(together, rows - first);
      head_.prepare(wide_product(hidden.narrow(0, first, count).to(model_.dtype()), model_.target_embedding().weight));
      for (; draw != draws.end() && draw->row < first + count; ++draw) {
        const std::int64_t row = draw->row - first;
        if (draw->token == Draw::open) draw->token = head_.draw(row, draw->uniform);
        draw->log_prob = head_.log_prob(row, draw->token);
        draw->sampling_log_prob = head_.sampling_log_prob(row, draw->token);
      }
    }
  }

 private:
  std::int64_t rows_together(const at::Tensor& hidden) const {
    const auto row_bytes = model_.config().vocabulary_size * static_cast<std::int64_t>(sizeof(float));
    return std::max<std::int64_t>(32, (hidden.is_cpu() ? logits_bytes : copied_bytes) / row_bytes / 16 * 16);
  }

  const Transformer& model_;
  SamplingHead head_;
};

}  // namespace

std::unique_ptr<ProjectionHead> make_head(const SamplingModel& model, Kernels kernels, const SamplingOptions& options) {
  if (model.packed() && kernels == Kernels::native) return model.packed()->head(options);
  return operator_head(model.model(), options);
}

std::unique_ptr<ProjectionHead> logits_head(const Transformer& model, const SamplingOptions& options) {
  return std::make_unique<LogitsHead>(model, options);
}

}  // namespace rest
