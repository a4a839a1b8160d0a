#pragma once

#include <cstdint>
#include <vector>

#include "head_cut.hpp"

namespace rest {

/// Leaves the `count` best tokens, in any order.
template <class Real>
void keep_best(std::int64_t count, std::vector<RankedToken<Real>>& tokens);

/// The best tokens of each of some rows, of which the logits come block by block.
template <class Real>
class LeadingTokens {
 public:
  LeadingTokens(std::int64_t rows, std::int64_t count);

  /// logits [size] of the tokens from `first`, the largest of them; a row's blocks in the vocabulary's order.
  void see(std::int64_t row, std::int64_t first, const Real* logits, std::int64_t size, Real largest);
  /// Appends a row's `count` best tokens of those seen and perhaps others, without weights.
  void append(std::int64_t row, std::vector<RankedToken<Real>>& tokens) const;

 private:
  struct Row {
    std::size_t count;
    Real bound;  // what is no larger is not among the best
  };

  std::size_t count_;
  std::vector<RankedToken<Real>> leaders_;  // [rows, 2 count_]
  std::vector<Row> rows_;
};

}  // namespace rest
