#pragma once

#include <cstdint>
#include <vector>

#include "head_cut.hpp"
#include "head_draw.hpp"

namespace rest {

/// The tokens of one row that cuts keep, and draws from them. Of the row's logits only some blocks are asked for, in
/// falling order of the largest logit in each, until it is certain that no other holds a token to be kept.
template <class Real>
class KeptTokens {
 public:
  /// For `options` that cut.
  KeptTokens(const SamplingOptions& options, std::int64_t vocabulary_size);

  /// Of another row; `sums` [blocks] stays while it is drawn for. Throws Error when they are not finite.
  void enter(const BlockSums<Real>* sums);
  /// The blocks to see next, twice as many in all each time; none when those seen are enough.
  const std::vector<std::int64_t>& next_blocks();
  /// The logits of a block that was asked for.
  void see(std::int64_t block, const Real* logits);
  /// Once those seen are enough, before what is below.
  void cut();

  /// The token that a uniform in [0, 1) falls on.
  std::int64_t draw(double uniform) const;
  /// Of a block [128], null when it was not seen.
  const Real* logits(std::int64_t block) const;
  /// `logits`: those of the token's block.
  DrawnToken describe(std::int64_t token, const Real* logits) const;

 private:
  /// Order of a heap with the block on top that has the largest logit, the first of equals.
  struct Later {
    const BlockSums<Real>* sums;
    bool operator()(std::int64_t a, std::int64_t b) const {
      return sums[a].max < sums[b].max || (sums[a].max == sums[b].max && a > b);
    }
  };

  bool enough() const;
  Real largest_unseen() const;
  void sum_kept();
  std::size_t place(std::int64_t block) const {
    return static_cast<std::size_t>(place_[static_cast<std::size_t>(block)]);
  }

  SamplingOptions options_;
  std::int64_t vocabulary_size_, blocks_;

  const BlockSums<Real>* sums_ = nullptr;
  RowSums row_sums_{};
  std::vector<double> factor_, cumulative_;  // [blocks], nothing cut

  std::vector<std::int64_t> unseen_, next_, seen_;     // blocks; unseen_ is a heap
  std::vector<std::int64_t> place_;                    // [blocks]: in seen_, or unseen
  std::vector<Real> logits_, weights_, kept_weights_;  // [seen, 128]; kept_weights_: 0 where cut
  std::vector<WeighedToken<Real>> tokens_;

  std::vector<std::int64_t> kept_;                     // blocks seen, in the vocabulary's order
  std::vector<double> kept_factor_, kept_cumulative_;  // [kept]
};

}  // namespace rest
