#pragma once

#include <cstdint>
#include <vector>

#include "head_cut.hpp"
#include "head_draw.hpp"

namespace rest {

/// The tokens of one row after the other that cuts keep, and draws from them. They are looked for among the row's best
/// tokens, and, when these are too few, among all that weigh enough.
template <class Real>
class KeptTokens {
 public:
  /// For `options` that cut.
  KeptTokens(const SamplingOptions& options, std::int64_t vocabulary_size);

  /// Of another row; `sums` [blocks] stays while it is drawn for. Throws Error when they are not finite.
  void enter(const BlockSums<Real>* sums);
  /// Cuts tokens without weights, the best ones of the row in any order. -> false when others may have to be kept too.
  bool cut_leading(std::vector<RankedToken<Real>>& tokens);

  /// What a token to be kept weighs at least, and so the likeliest token of its block.
  double least() const;
  double factor(std::int64_t block) const { return factor_[static_cast<std::size_t>(block)]; }
  /// Cuts tokens in ascending order, all that weigh least() among them. What is in `tokens` afterwards is of no use.
  void cut(std::vector<RankedToken<Real>>& tokens);

  /// Of the tokens that were kept, the one that a uniform in [0, 1) falls on.
  DrawnToken draw(double uniform) const;
  /// Null when it was cut.
  const RankedToken<Real>* find(std::int64_t token) const;
  DrawnToken describe(const RankedToken<Real>& kept) const;
  DrawnToken describe_cut(std::int64_t token, Real logit) const;

 private:
  bool enough(const std::vector<RankedToken<Real>>& leading) const;
  void sum_blocks_of_kept();

  SamplingOptions options_;
  std::int64_t vocabulary_size_;

  const BlockSums<Real>* sums_ = nullptr;
  RowSums row_sums_{};
  std::vector<double> factor_, cumulative_;  // [blocks], nothing cut

  std::vector<RankedToken<Real>> kept_;                // ascending
  std::vector<std::size_t> block_begin_;               // in kept_, of each block with any; behind them the end
  std::vector<double> kept_factor_, kept_cumulative_;  // of these blocks
};

}  // namespace rest
