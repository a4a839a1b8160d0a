#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "block_logits.hpp"
#include "kept_tokens.hpp"
#include "leading_tokens.hpp"
#include "projection_head.hpp"

namespace rest {

/// All draws of one row: from the first to behind the last.
using RowDraws = std::pair<std::vector<Draw>::iterator, std::vector<Draw>::iterator>;

/// How many of a row's best tokens are looked at first.
inline std::int64_t leading_tokens(const SamplingOptions& options) {
  // Most rows of a trained policy keep no more by top-p or epsilon; to collect more costs more than it saves.
  constexpr std::int64_t few = 16, many = 256;
  return options.top_k > 0 ? std::min(options.top_k, many) : few;
}

/// Draws with cuts, from a row's leading tokens where these are enough, else from blocks of logits made again for a
/// group of rows. One thread's work; call end_products() behind the last.
template <class Format>
class CutDraws {
 public:
  using Real = typename Format::Real;
  using Tokens = std::vector<RankedToken<Real>>;
  static constexpr std::size_t group_rows = 64;

  /// sums [rows, blocks]. All must outlive it.
  CutDraws(const PackedMatrix<Format>& projection, const SamplingOptions& options, const MatrixRows<Format>& rows,
           const BlockSums<Real>* sums)
      : rows_(rows),
        sums_(sums),
        leading_(leading_tokens(options)),
        inverse_(inverse_temperature<Real>(options)),
        blocks_(head_blocks(projection.outputs())),
        product_(projection),
        kept_(options, projection.outputs()),
        tokens_(group_rows) {}

  /// `leading`: of parts of the vocabulary. -> false, with nothing drawn, when they are not enough. Throws Error when
  /// logits are not finite.
  bool draw_leading(const std::vector<LeadingTokens<Real>>& leading, const RowDraws& draws) {
    enter(draws);
    Tokens& tokens = tokens_.front();
    tokens.clear();
    for (const auto& part : leading) part.append(row_of(draws), tokens);
    keep_best(leading_, tokens);
    if (!kept_.cut_leading(tokens)) return false;
    draw_kept(draws);
    return true;
  }

  /// At most group_rows rows.
  void draw_group(const RowDraws* draws, std::size_t count) {
    ask(draws, count);
    answer(draws);
    for (std::size_t i = 0; i < count; ++i) {
      enter(draws[i]);
      kept_.cut(tokens_[i]);
      draw_kept(draws[i]);
    }
  }

 private:
  /// A block of which a row may keep tokens.
  struct Request {
    std::int64_t block;
    std::size_t row;  // of the group
    double least;     // that a token to be kept weighs in the block
  };

  static std::int64_t row_of(const RowDraws& draws) { return draws.first->row; }
  void enter(const RowDraws& draws) { kept_.enter(sums_ + row_of(draws) * blocks_); }

  void ask(const RowDraws* draws, std::size_t count) {
    requests_.clear();
    for (std::size_t row = 0; row < count; ++row) {
      enter(draws[row]);
      const double least = kept_.least();
      for (std::int64_t block = 0; block < blocks_; ++block) {
        if (kept_.factor(block) >= least) requests_.push_back({block, row, least / kept_.factor(block)});
      }
    }
    std::stable_sort(requests_.begin(), requests_.end(),
                     [](const Request& a, const Request& b) { return a.block < b.block; });
  }

  /// Block by block, for all rows that asked for it.
  void answer(const RowDraws* draws) {
    for (Tokens& tokens : tokens_) tokens.clear();
    gathered_.resize(group_rows, rows_.features());
    for (auto first = requests_.begin(), last = first; first != requests_.end(); first = last) {
      std::int64_t count = 0;
      for (; last != requests_.end() && last->block == first->block; ++last) {
        gathered_.copy(count++, rows_, row_of(draws[last->row]));
      }
      product_.make(gathered_, 0, count, first->block,
                    [&](std::int64_t i, const Real* logits) { collect(*(first + i), logits); });
    }
  }

  void collect(const Request& request, const Real* logits) {
    const std::int64_t size = product_.size(request.block);
    const auto first = static_cast<std::int32_t>(request.block * head_block);
    BlockSums<Real> sums;
    Real weights[head_block];
    sum_blocks(logits, size, inverse_, &sums, weights);
    RankedToken<Real> found[head_block];
    std::size_t count = 0;
    for (std::int32_t v = 0; v < size; ++v) {  // without branches, which would often be guessed wrong
      found[count] = {logits[v], first + v, weights[v]};
      count += weights[v] >= request.least ? 1 : 0;
    }
    tokens_[request.row].insert(tokens_[request.row].end(), found, found + count);
  }

  void draw_kept(const RowDraws& draws) {
    for (auto draw = draws.first; draw != draws.second; ++draw) {
      const DrawnToken drawn = draw->token == Draw::open ? kept_.draw(draw->uniform) : describe(draw->row, draw->token);
      draw->token = drawn.token;
      draw->log_prob = drawn.log_prob;
      draw->sampling_log_prob = drawn.sampling_log_prob;
    }
  }

  DrawnToken describe(std::int64_t row, std::int64_t token) {
    if (const auto* const kept = kept_.find(token)) return kept_.describe(*kept);
    DrawnToken cut{};
    product_.make(rows_, row, 1, token / head_block, [&](std::int64_t, const Real* logits) {
      cut = kept_.describe_cut(token, logits[token % head_block]);
    });
    return cut;
  }

  const MatrixRows<Format>& rows_;
  const BlockSums<Real>* sums_;
  std::int64_t leading_;
  Real inverse_;
  std::int64_t blocks_;
  BlockLogits<Format> product_;
  KeptTokens<Real> kept_;       // of the row that was entered last
  std::vector<Tokens> tokens_;  // [group_rows]
  std::vector<Request> requests_;
  MatrixRows<Format> gathered_;
};

}  // namespace rest
