#include "fused_head.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "head_draw.hpp"
#include "matrix_rows.hpp"

namespace rest {
namespace {

/// Rows whose logits of a block are made at a time: a tile that stays in the cache.
constexpr std::int64_t tile_rows = 64;
constexpr std::int64_t rows_per_task = 16;

template <class Format>
class FusedHead : public ProjectionHead {
 public:
  using Real = typename Format::Real;
  using Output = typename Format::Output;

  FusedHead(const DecoderWeights<Format>& weights, const SamplingOptions& options)
      : matrix_(weights.projection), options_(options), blocks_(head_blocks(matrix_.outputs())) {}

  void draw(const at::Tensor& hidden, std::vector<Draw>& draws) override {
    round_rows(hidden);
    sum_all_blocks(hidden.size(0));
    std::vector<std::pair<DrawIterator, DrawIterator>> of_rows;
    for (auto first = draws.begin(), last = first; first != draws.end(); first = last) {
      while (last != draws.end() && last->row == first->row) ++last;
      of_rows.emplace_back(first, last);
    }
    at::parallel_for(0, static_cast<std::int64_t>(of_rows.size()), rows_per_task,
                     [&](std::int64_t begin, std::int64_t end) {
                       RowDrawer drawer(*this);
                       for (std::int64_t i = begin; i < end; ++i) {
                         const auto& [first, last] = of_rows[static_cast<std::size_t>(i)];
                         drawer.draw(first, last);
                       }
                       end_products();
                     });
  }

 private:
  using DrawIterator = std::vector<Draw>::iterator;

  void round_rows(const at::Tensor& hidden) {
    const std::int64_t features = hidden.size(1);
    rows_.resize(hidden.size(0), features);
    for (std::int64_t row = 0; row < hidden.size(0); ++row) rows_.store(row, hidden.data_ptr<Real>() + row * features);
  }

  void sum_all_blocks(std::int64_t rows) {
    sums_.resize(static_cast<std::size_t>(rows * blocks_));
    const Real inverse = inverse_temperature<Real>(options_);
    at::parallel_for(0, blocks_, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<Output> tile(static_cast<std::size_t>(std::min(rows, tile_rows) * head_block));
      for (std::int64_t block = begin; block < end; ++block) {
        for (std::int64_t first = 0; first < rows; first += tile_rows) {
          const std::int64_t count = std::min(tile_rows, rows - first);
          multiply(first, count, block, tile.data());
          for (std::int64_t row = 0; row < count; ++row) {
            Real memory[head_block];
            const Real* const logits = finish_logits(tile.data() + row * head_block, block, first + row, memory);
            sum_blocks(logits, valid(block), inverse, sums_.data() + (first + row) * blocks_ + block);
          }
        }
      }
      end_products();
    });
  }

  std::int64_t valid(std::int64_t block) const { return std::min(head_block, matrix_.outputs() - block * head_block); }

  void multiply(std::int64_t first, std::int64_t count, std::int64_t block, Output* tile) const {
    constexpr std::int64_t per_block = head_block / PackedMatrix<Format>::block;
    matrix_.multiply(rows_.row(first), rows_.stride(), count, block * per_block,
                     std::min(per_block, matrix_.blocks() - block * per_block), tile, head_block);
  }

  /// The logits that the sums of a product stand for, in `memory` where they are not what it gave.
  const Real* finish_logits(const Output* sums, std::int64_t block, std::int64_t row, Real* memory) const {
    if constexpr (std::is_same_v<Real, Output>) {
      return sums;
    } else {
      static constexpr Real no_bias[head_block] = {};
      const std::int64_t first = block * head_block;
      load_row(sums, {no_bias, matrix_.scales() + first, matrix_.offsets() + first, rows_.scale(row)}, valid(block),
               memory);
      return memory;
    }
  }

  /// Draws for one row after the other, with memory of its own.
  class RowDrawer {
   public:
    explicit RowDrawer(const FusedHead& head)
        : head_(head),
          factor_(static_cast<std::size_t>(head.blocks_)),
          cumulative_(static_cast<std::size_t>(head.blocks_)) {}

    /// Draws of one row.
    void draw(DrawIterator begin, DrawIterator end) {
      row_ = begin->row;
      sums_ = head_.sums_.data() + row_ * head_.blocks_;
      row_sums_ = sum_row(sums_, head_.blocks_, head_.options_, factor_.data(), cumulative_.data());
      places_.clear();
      for (auto draw = begin; draw != end; ++draw) places_.push_back({place(*draw), &*draw});
      std::sort(places_.begin(), places_.end(),
                [](const Place& a, const Place& b) { return a.drawn.block < b.drawn.block; });
      std::int64_t computed = -1;
      for (const Place& place : places_) {
        if (place.drawn.block != computed) compute_block(computed = place.drawn.block);
        finish(place);
      }
    }

   private:
    struct Place {
      BlockDraw drawn;
      Draw* draw;
    };

    BlockDraw place(const Draw& draw) const {
      if (draw.token != Draw::open) return {draw.token / head_block, 0.0};
      if (head_.options_.temperature != 0.0) {
        return draw_block(draw.uniform, factor_.data(), cumulative_.data(), head_.blocks_);
      }
      const auto less = [](const BlockSums<Real>& a, const BlockSums<Real>& b) { return a.max < b.max; };
      return {std::max_element(sums_, sums_ + head_.blocks_, less) - sums_, 0.0};
    }

    /// The block's logits again, and the weights of its pieces.
    void compute_block(std::int64_t block) {
      Output sums[head_block];
      head_.multiply(row_, 1, block, sums);
      valid_ = head_.valid(block);
      const Real* const logits = head_.finish_logits(sums, block, row_, logits_);
      if (logits != logits_) std::copy_n(logits, valid_, logits_);
      BlockSums<Real> again;
      sum_blocks(logits_, valid_, inverse_temperature<Real>(head_.options_), &again, weights_);
    }

    void finish(const Place& place) {
      const std::int64_t first = place.drawn.block * head_block;
      std::int64_t within = place.draw->token - first;
      const bool greedy = head_.options_.temperature == 0.0;
      const std::int64_t likeliest = greedy ? std::max_element(logits_, logits_ + valid_) - logits_ : 0;
      if (place.draw->token == Draw::open) within = greedy ? likeliest : draw_token(weights_, place.drawn.left);
      const auto logit = static_cast<double>(logits_[within]);
      place.draw->token = first + within;
      place.draw->log_prob = logit - row_sums_.log_normaliser;
      if (greedy) {
        // The logit computed again may differ in its last bits.
        const bool chosen = within == likeliest && logit >= row_sums_.max - 1e-5 * std::abs(row_sums_.max);
        place.draw->sampling_log_prob = chosen ? 0.0 : -std::numeric_limits<double>::infinity();
      } else {
        const double total = cumulative_.back();
        place.draw->sampling_log_prob = (logit - row_sums_.max) / head_.options_.temperature - std::log(total);
      }
    }

    const FusedHead& head_;
    std::vector<double> factor_, cumulative_;  // [blocks]
    std::int64_t row_ = 0, valid_ = 0;
    const BlockSums<Real>* sums_ = nullptr;
    RowSums row_sums_{};
    std::vector<Place> places_;
    Real logits_[head_block], weights_[head_block];  // of the block computed again
  };

  const PackedMatrix<Format>& matrix_;
  SamplingOptions options_;
  std::int64_t blocks_;
  MatrixRows<Format> rows_;
  std::vector<BlockSums<Real>> sums_;  // [rows, blocks]
};

}  // namespace

template <class Format>
std::unique_ptr<ProjectionHead> fused_head(const DecoderWeights<Format>& weights, const SamplingOptions& options) {
  return std::make_unique<FusedHead<Format>>(weights, options);
}

template std::unique_ptr<ProjectionHead> fused_head(const DecoderWeights<Float64Format>&, const SamplingOptions&);
template std::unique_ptr<ProjectionHead> fused_head(const DecoderWeights<Float32Format>&, const SamplingOptions&);
template std::unique_ptr<ProjectionHead> fused_head(const DecoderWeights<Bfloat16Format>&, const SamplingOptions&);
template std::unique_ptr<ProjectionHead> fused_head(const DecoderWeights<Int8Format>&, const SamplingOptions&);

}  // namespace rest
