#pragma once

#include <cstdint>
#include <vector>

#include "head_kernels.hpp"
#include "rest/grow/sampling_head.hpp"

/// From block sums to a token, for the sampling heads; sampling_head.hpp defines the order of every sum.
namespace rest {

/// 1 / T, in the precision it is multiplied with; 0 for greedy.
template <class Real>
Real inverse_temperature(const SamplingOptions& options) {
  return options.temperature == 0.0 ? Real{0} : static_cast<Real>(1.0 / options.temperature);
}

struct RowSums {
  double max;             ///< largest logit
  double log_normaliser;  ///< log of the sum of exponentials, at temperature 1
};

/// Joins the blocks of a row: factor [blocks] = exp((m - M) / T), cumulative [blocks] = running sums of factor * sum
/// (neither is touched when greedy). Throws Error when a sum is not finite, as a logit that is not makes it.
template <class Real>
RowSums sum_row(const BlockSums<Real>* sums, std::int64_t blocks, const SamplingOptions& options, double* factor,
                double* cumulative);

struct BlockDraw {
  std::int64_t block;
  double left;  ///< of the uniform's share, in the block's own weights
};

/// The block that a uniform in [0, 1) falls into.
BlockDraw draw_block(double uniform, const double* factor, const double* cumulative, std::int64_t blocks);

/// The token within a block of weights [128].
template <class Real>
std::int64_t draw_token(const Real* weights, double left);

struct DrawnToken {
  std::int64_t token;
  double log_prob, sampling_log_prob;
};

/// Draws of one row after the other by heads that keep only the sums of blocks: the logits of the block that a draw
/// falls into are computed once more.
template <class Real>
class RowDrawer {
 public:
  RowDrawer(const SamplingOptions& options, std::int64_t blocks);

  /// Of a row, [blocks], in memory that stays while it is drawn for. Throws Error when they are not finite.
  void enter(const BlockSums<Real>* sums);
  /// Where a draw's token stands; a token below 0 is to be drawn.
  BlockDraw place(double uniform, std::int64_t token) const;
  /// To be filled with the `valid` logits of a block, then weighed.
  Real* logits() { return logits_; }
  void weigh(std::int64_t valid);
  /// A draw in the block that was weighed last.
  DrawnToken draw(const BlockDraw& place, std::int64_t token) const;

 private:
  bool greedy() const { return options_.temperature == 0.0; }

  SamplingOptions options_;
  std::int64_t blocks_, valid_ = 0;
  const BlockSums<Real>* sums_ = nullptr;
  RowSums row_sums_{};
  std::vector<double> factor_, cumulative_;        // [blocks], of the row
  Real logits_[head_block], weights_[head_block];  // of the block
};

}  // namespace rest
