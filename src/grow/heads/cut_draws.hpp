#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "block_logits.hpp"
#include "kept_tokens.hpp"
#include "projection_head.hpp"

namespace rest {

/// All draws of one row: from first to behind last.
using RowDraws = std::pair<std::vector<Draw>::iterator, std::vector<Draw>::iterator>;

/// Draws with cuts for a group of rows. One thread's work; call end_products() behind the last.
template <class Format>
class CutDraws {
 public:
  using Real = typename Format::Real;
  static constexpr std::int64_t group_rows = 64;

  CutDraws(const PackedMatrix<Format>& projection, const SamplingOptions& options)
      : logits_(projection),
        blocks_(head_blocks(projection.outputs())),
        kept_(group_rows, KeptTokens<Real>(options, projection.outputs())) {}

  /// At most group_rows of `rows`; sums [rows, blocks]. Throws Error when they are not finite.
  void draw(const MatrixRows<Format>& rows, const BlockSums<Real>* sums, const RowDraws* draws, std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) kept(i).enter(sums + row_of(draws[i]) * blocks_);
    while (ask(count)) answer(rows, draws);
    for (std::int64_t i = 0; i < count; ++i) draw_row(rows, kept(i), draws[i]);
  }

 private:
  struct Request {
    std::int64_t block, row;  // of the group
  };

  static std::int64_t row_of(const RowDraws& draws) { return draws.first->row; }
  KeptTokens<Real>& kept(std::int64_t row) { return kept_[static_cast<std::size_t>(row)]; }

  /// Collects what rows want to see next. -> whether there is any.
  bool ask(std::int64_t count) {
    requests_.clear();
    for (std::int64_t row = 0; row < count; ++row) {
      for (const std::int64_t block : kept(row).next_blocks()) requests_.push_back({block, row});
    }
    std::stable_sort(requests_.begin(), requests_.end(),
                     [](const Request& a, const Request& b) { return a.block < b.block; });
    return !requests_.empty();
  }

  /// Block by block, for all rows that want it.
  void answer(const MatrixRows<Format>& rows, const RowDraws* draws) {
    gathered_.resize(group_rows, rows.features());
    for (auto first = requests_.begin(), last = first; first != requests_.end(); first = last) {
      std::int64_t count = 0;
      for (; last != requests_.end() && last->block == first->block; ++last) {
        gathered_.copy(count++, rows, row_of(draws[last->row]));
      }
      logits_.make(gathered_, 0, count, first->block,
                   [&](std::int64_t i, const Real* logits) { kept((first + i)->row).see(first->block, logits); });
    }
  }

  void draw_row(const MatrixRows<Format>& rows, KeptTokens<Real>& kept, const RowDraws& draws) {
    kept.cut();
    for (auto draw = draws.first; draw != draws.second; ++draw) {
      const std::int64_t token = draw->token == Draw::open ? kept.draw(draw->uniform) : draw->token;
      const auto describe = [&](std::int64_t, const Real* logits) {
        const DrawnToken drawn = kept.describe(token, logits);
        draw->token = drawn.token;
        draw->log_prob = drawn.log_prob;
        draw->sampling_log_prob = drawn.sampling_log_prob;
      };
      const std::int64_t block = token / head_block;
      if (const Real* const seen = kept.logits(block)) {
        describe(draw->row, seen);
      } else {  // a given token that was cut
        logits_.make(rows, draw->row, 1, block, describe);
      }
    }
  }

  BlockLogits<Format> logits_;
  std::int64_t blocks_;
  std::vector<KeptTokens<Real>> kept_;  // [group_rows]
  std::vector<Request> requests_;
  MatrixRows<Format> gathered_;
};

}  // namespace rest
