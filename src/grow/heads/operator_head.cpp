#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "../../model/wide_products.hpp"
#include "../decoder/staging.hpp"
#include "head_cut.hpp"
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

/// The pieces with the largest logits of each row.
class LeadingPieces {
 public:
  explicit LeadingPieces(std::int64_t count) : count_(count) {}

  /// logits [rows, slice] of the pieces from `first`
  void see(const at::Tensor& logits, std::int64_t first) {
    auto [best, pieces] = best_of(logits);
    pieces = pieces + first;
    if (logits_.defined()) {
      best = at::cat({logits_, best}, 1);
      pieces = at::cat({pieces_, pieces}, 1);
      at::Tensor places;
      std::tie(best, places) = best_of(best);
      pieces = pieces.gather(1, places);
    }
    logits_ = best;
    pieces_ = pieces;
  }
  // [rows, at most count]
  const at::Tensor& logits() const { return logits_; }
  const at::Tensor& pieces() const { return pieces_; }

 private:
  std::tuple<at::Tensor, at::Tensor> best_of(const at::Tensor& logits) const {
    return at::topk(logits, std::min(count_, logits.size(1)), 1, true, false);
  }

  std::int64_t count_;
  at::Tensor logits_, pieces_;
};

/// By the operators of head_operators.hpp: what leaves the device is the draws' pieces and log-probabilities, and, with
/// cuts, the logits of rows whose most likely pieces do not tell which ones are kept.
class OperatorHead : public ProjectionHead {
 public:
  OperatorHead(const Transformer& model, const SamplingOptions& options)
      : model_(model),
        options_(options),
        requests_(at::kDouble, model.device()),
        results_(at::kDouble, model.device()),
        cuts_(cuts(options, model.config().vocabulary_size)),
        keeps_many_(cuts_ && options.top_k > most_leading_pieces && options.top_k < model.config().vocabulary_size),
        by_logits_(logits_head(model, options)) {}

  void draw(const at::Tensor& hidden, std::vector<Draw>& draws) override {
    if (draws.empty()) return;
    if (keeps_many_) return by_logits_->draw(hidden, draws);
    const at::Tensor requests = send(draws);
    const at::Tensor rows = hidden.to(model_.dtype());
    if (cuts_) {
      start_with_cuts(rows, requests);
    } else {
      const at::Tensor sums = sum_vocabulary(rows, [](auto...) {});
      results_.start(draw_pieces(rows, model_.target_embedding().weight, sums, requests, options_.temperature));
    }
    const std::vector<std::size_t> undecided = read(results_.wait(), draws);
    if (!undecided.empty()) draw_by_logits(rows, undecided, draws);
  }

 private:
  void start_with_cuts(const at::Tensor& rows, const at::Tensor& requests) {
    const std::int64_t kept = std::min(options_.top_k > 0 ? options_.top_k : most_leading_pieces, most_leading_pieces);
    LeadingPieces leading(kept + 1);
    const at::Tensor sums =
        sum_vocabulary(rows, [&](const at::Tensor& logits, std::int64_t first) { leading.see(logits, first); });
    results_.start(draw_kept_pieces(rows, model_.target_embedding().weight, sums, leading.logits(), leading.pieces(),
                                    requests, options_));
  }

  void draw_by_logits(const at::Tensor& rows, const std::vector<std::size_t>& undecided, std::vector<Draw>& draws) {
    std::vector<Draw> left;
    std::vector<std::int64_t> their_rows;
    for (const std::size_t i : undecided) {
      if (their_rows.empty() || their_rows.back() != draws[i].row) their_rows.push_back(draws[i].row);
      left.push_back(draws[i]);
      left.back().row = static_cast<std::int64_t>(their_rows.size()) - 1;
    }
    by_logits_->draw(rows.index_select(0, at::tensor(their_rows, at::kLong).to(rows.device())), left);
    for (std::size_t i = 0; i < undecided.size(); ++i) {
      left[i].row = draws[undecided[i]].row;
      draws[undecided[i]] = left[i];
    }
  }

  at::Tensor send(const std::vector<Draw>& draws) {
    double* request = requests_.next(fields * static_cast<std::int64_t>(draws.size())).data_ptr<double>();
    for (const Draw& draw : draws) {
      *request++ = static_cast<double>(draw.row);
      *request++ = draw.uniform;
      *request++ = static_cast<double>(draw.token);
    }
    return requests_.send().view({-1, fields});
  }

  /// -> [rows, blocks, 3]. Calls see(logits of a slice, its first piece) too.
  template <class See>
  at::Tensor sum_vocabulary(const at::Tensor& rows, See see) const {
    const at::Tensor& embedding = model_.target_embedding().weight;
    const std::int64_t pieces = embedding.size(0);
    const auto type = rows.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const at::Tensor sums = at::empty({rows.size(0), head_blocks(pieces), 3}, rows.options().dtype(type));
    const double inverse = inverse_temperature<double>(options_);
    for (std::int64_t first = 0; first < pieces; first += slice) {
      const std::int64_t count = std::min(slice, pieces - first);
      const at::Tensor logits = wide_product(rows, embedding.narrow(0, first, count));
      sum_head_blocks(logits, inverse, sums.narrow(1, first / head_block, head_blocks(count)));
      see(logits, first);
    }
    return sums;
  }

  /// -> the draws that were left as they are.
  static std::vector<std::size_t> read(const at::Tensor& results, std::vector<Draw>& draws) {
    const double* result = results.data_ptr<double>();
    std::vector<std::size_t> undecided;
    for (std::size_t i = 0; i < draws.size(); ++i, result += fields) {
      if (std::isnan(result[1])) {
        throw Error("the policy's logits are not finite", "its weights hold NaN or infinity");
      }
      if (result[0] < 0) {
        undecided.push_back(i);
        continue;
      }
      draws[i].token = static_cast<std::int64_t>(result[0]);
      draws[i].log_prob = result[1];
      draws[i].sampling_log_prob = result[2];
    }
    return undecided;
  }

  const Transformer& model_;
  SamplingOptions options_;
  Upload requests_;
  Download results_;
  bool cuts_, keeps_many_;  // keeps_many_: more pieces of every row than draw_kept_pieces can look at
  std::unique_ptr<ProjectionHead> by_logits_;
};

}  // namespace

std::unique_ptr<ProjectionHead> operator_head(const Transformer& model, const SamplingOptions& options) {
  return std::make_unique<OperatorHead>(model, options);
}

}  // namespace rest
