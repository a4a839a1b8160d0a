#include "fused_head.hpp"

#include <ATen/Parallel.h>

#include <algorithm>

#include "../products/matrix_rows.hpp"
#include "head_draw.hpp"

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
                       RowDrawer<Real> drawer(options_, blocks_);
                       std::vector<Place> places;
                       for (std::int64_t i = begin; i < end; ++i) {
                         const auto& [first, last] = of_rows[static_cast<std::size_t>(i)];
                         draw_row(drawer, places, first, last);
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

  struct Place {
    BlockDraw drawn;
    Draw* draw;
  };

  /// Draws of one row, block by block. `places` is memory.
  void draw_row(RowDrawer<Real>& drawer, std::vector<Place>& places, DrawIterator begin, DrawIterator end) const {
    drawer.enter(sums_.data() + begin->row * blocks_);
    places.clear();
    for (auto draw = begin; draw != end; ++draw) places.push_back({drawer.place(draw->uniform, draw->token), &*draw});
    std::sort(places.begin(), places.end(),
              [](const Place& a, const Place& b) { return a.drawn.block < b.drawn.block; });
    std::int64_t computed = -1;
    for (const auto& [place, draw] : places) {
      if (place.block != computed) compute_block(begin->row, computed = place.block, drawer);
      const DrawnToken drawn = drawer.draw(place, draw->token);
      draw->token = drawn.token;
      draw->log_prob = drawn.log_prob;
      draw->sampling_log_prob = drawn.sampling_log_prob;
    }
  }

  /// The block's logits again.
  void compute_block(std::int64_t row, std::int64_t block, RowDrawer<Real>& drawer) const {
    Output sums[head_block];
    multiply(row, 1, block, sums);
    const Real* const logits = finish_logits(sums, block, row, drawer.logits());
    if (logits != drawer.logits()) std::copy_n(logits, valid(block), drawer.logits());
    drawer.weigh(valid(block));
  }

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
