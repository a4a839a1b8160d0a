#include "fused_head.hpp"

#include <ATen/Parallel.h>

#include <algorithm>

#include "cut_draws.hpp"
#include "head_draw.hpp"

namespace rest {
namespace {

constexpr std::int64_t rows_per_task = 16;

template <class Format>
class FusedHead : public ProjectionHead {
 public:
  using Real = typename Format::Real;

  FusedHead(const DecoderWeights<Format>& weights, const SamplingOptions& options)
      : projection_(weights.projection), options_(options), blocks_(head_blocks(projection_.outputs())) {}

  void draw(const at::Tensor& hidden, std::vector<Draw>& draws) override {
    round_rows(hidden);
    std::vector<RowDraws> of_rows;
    for (auto first = draws.begin(), last = first; first != draws.end(); first = last) {
      while (last != draws.end() && last->row == first->row) ++last;
      of_rows.emplace_back(first, last);
    }
    if (cuts(options_, projection_.outputs())) {
      draw_cut(hidden.size(0), of_rows);
    } else {
      sum_vocabulary(hidden.size(0), [](auto...) {});
      draw_uncut(of_rows);
    }
  }

 private:
  void round_rows(const at::Tensor& hidden) {
    const std::int64_t features = hidden.size(1);
    rows_.resize(hidden.size(0), features);
    for (std::int64_t row = 0; row < hidden.size(0); ++row) rows_.store(row, hidden.data_ptr<Real>() + row * features);
  }

  /// Calls see(part, row, block, logits) too: a thread's part of the vocabulary is seen in order.
  template <class See>
  void sum_vocabulary(std::int64_t rows, See see) {
    sums_.resize(static_cast<std::size_t>(rows * blocks_));
    const Real inverse = inverse_temperature<Real>(options_);
    const std::int64_t parts = vocabulary_parts();
    at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
      BlockLogits<Format> product(projection_);
      for (std::int64_t part = begin; part < end; ++part) {
        for (std::int64_t block = part * blocks_ / parts; block < (part + 1) * blocks_ / parts; ++block) {
          product.make(rows_, 0, rows, block, [&](std::int64_t row, const Real* logits) {
            sum_blocks(logits, product.size(block), inverse, sums_.data() + row * blocks_ + block);
            see(part, row, block, logits);
          });
        }
      }
      end_products();
    });
  }

  std::int64_t vocabulary_parts() const { return std::min<std::int64_t>(at::get_num_threads(), blocks_); }

  void draw_cut(std::int64_t rows, const std::vector<RowDraws>& of_rows) {
    std::vector<LeadingTokens<Real>> leading(static_cast<std::size_t>(vocabulary_parts()),
                                             {rows, leading_tokens(options_)});
    sum_vocabulary(rows, [&](std::int64_t part, std::int64_t row, std::int64_t block, const Real* logits) {
      const Real largest = sums_[static_cast<std::size_t>(row * blocks_ + block)].max;
      const std::int64_t size = std::min(head_block, projection_.outputs() - block * head_block);
      leading[static_cast<std::size_t>(part)].see(row, block * head_block, logits, size, largest);
    });
    std::vector<std::uint8_t> drawn(of_rows.size());
    draw_in_parallel(of_rows.size(), rows_per_task, [&](CutDraws<Format>& cut, std::size_t i) {
      drawn[i] = cut.draw_leading(leading, of_rows[i]) ? 1 : 0;
    });
    std::vector<RowDraws> open;
    for (std::size_t i = 0; i < of_rows.size(); ++i) {
      if (drawn[i] == 0) open.push_back(of_rows[i]);
    }
    constexpr std::size_t group = CutDraws<Format>::group_rows;
    draw_in_parallel((open.size() + group - 1) / group, 1, [&](CutDraws<Format>& cut, std::size_t i) {
      cut.draw_group(open.data() + i * group, std::min(group, open.size() - i * group));
    });
  }

  template <class Body>
  void draw_in_parallel(std::size_t size, std::int64_t per_task, Body body) const {
    at::parallel_for(0, static_cast<std::int64_t>(size), per_task, [&](std::int64_t begin, std::int64_t end) {
      CutDraws<Format> cut(projection_, options_, rows_, sums_.data());
      for (std::int64_t i = begin; i < end; ++i) body(cut, static_cast<std::size_t>(i));
      end_products();
    });
  }

  void draw_uncut(const std::vector<RowDraws>& of_rows) {
    at::parallel_for(0, static_cast<std::int64_t>(of_rows.size()), rows_per_task,
                     [&](std::int64_t begin, std::int64_t end) {
                       BlockLogits<Format> product(projection_);
                       RowDrawer<Real> drawer(options_, blocks_);
                       std::vector<Place> places;
                       for (std::int64_t i = begin; i < end; ++i) {
                         draw_row(product, drawer, places, of_rows[static_cast<std::size_t>(i)]);
                       }
                       end_products();
                     });
  }

  struct Place {
    BlockDraw drawn;
    Draw* draw;
  };

  /// Draws of one row, block by block. `places` is memory.
  void draw_row(BlockLogits<Format>& product, RowDrawer<Real>& drawer, std::vector<Place>& places,
                const RowDraws& draws) const {
    const std::int64_t row = draws.first->row;
    drawer.enter(sums_.data() + row * blocks_);
    places.clear();
    for (auto draw = draws.first; draw != draws.second; ++draw) {
      places.push_back({drawer.place(draw->uniform, draw->token), &*draw});
    }
    std::sort(places.begin(), places.end(),
              [](const Place& a, const Place& b) { return a.drawn.block < b.drawn.block; });
    std::int64_t computed = -1;
    for (const auto& [place, draw] : places) {
      if (place.block != computed) compute_block(product, row, computed = place.block, drawer);
      const DrawnToken drawn = drawer.draw(place, draw->token);
      draw->token = drawn.token;
      draw->log_prob = drawn.log_prob;
      draw->sampling_log_prob = drawn.sampling_log_prob;
    }
  }

  /// The block's logits again.
  void compute_block(BlockLogits<Format>& product, std::int64_t row, std::int64_t block,
                     RowDrawer<Real>& drawer) const {
    const std::int64_t size = product.size(block);
    product.make(rows_, row, 1, block,
                 [&](std::int64_t, const Real* logits) { std::copy_n(logits, size, drawer.logits()); });
    drawer.weigh(size);
  }

  const PackedMatrix<Format>& projection_;
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
