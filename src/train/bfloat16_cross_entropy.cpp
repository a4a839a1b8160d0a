#include "bfloat16_cross_entropy.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "../model/native/products.hpp"
#include "../model/products/large_pages.hpp"
#include "../model/vector_rows.hpp"

namespace rest {
namespace {

using at::BFloat16;

constexpr std::int64_t block = PackedFactor::block;
constexpr std::int64_t group = 8 * block;  // pieces whose exponentials stand together: [rows, group]
constexpr std::int64_t tile_rows = 128;
constexpr std::int64_t chunk_rows = 512;  // tokens whose exponentials are kept at a time

struct BlockSums {
  float max, sum, plain;  // of logits; of exp(logit - max); of logits
};

/// A row of 64 logits, of which `width` are pieces, to exp(logit - max), 0 beyond.
REST_CLONES void exponentials(float* logits, std::int64_t count, std::int64_t width, BFloat16* out, std::int64_t stride,
                              BlockSums* sums) {
  constexpr std::int64_t vectors = block / float_lanes;
  for (std::int64_t r = 0; r < count; ++r) {
    float* const row = logits + r * block;
    const float lowest = row[0];
    for (std::int64_t i = width; i < block; ++i) row[i] = lowest;
    Floats value[vectors], plain = {}, sum = {}, weight;
    for (std::int64_t v = 0; v < vectors; ++v) {
      load_lanes(row + v * float_lanes, value[v]);
      plain += value[v];
    }
    Floats top = value[0];
    for (std::int64_t v = 1; v < vectors; ++v) top = value[v] > top ? value[v] : top;
    const float max = lane_max(top);
    for (std::int64_t v = 0; v < vectors; ++v) {
      vector_exp(value[v] - max, weight);
      sum += weight;
      store_lanes(weight, out + r * stride + v * float_lanes);
    }
    const auto beyond = static_cast<float>(block - width);
    sums[r] = {max, lane_sum(sum), lane_sum(plain) - beyond * lowest};
    if (width < block) {
      float extra;
      extra = vector_exp(lowest - max);
      sums[r].sum -= beyond * extra;
      std::fill(out + r * stride + width, out + r * stride + block, BFloat16(0.0f));
    }
  }
}

/// What turns the exponentials of a row into gradients of its logits: p w - spread.
struct RowFactors {
  float max;     // of all logits
  float weight;  // w / sum of exp(logit - max)
  float spread;  // w times what smoothing puts on each piece
};

/// Exponentials of a block's rows to the gradients of its logits, but for the targets' own part.
REST_CLONES void gradients(const RowFactors* rows, const BlockSums* sums, std::int64_t count, std::int64_t width,
                           BFloat16* values, std::int64_t stride) {
  for (std::int64_t r = 0; r < count; ++r) {
    float factor = vector_exp(sums[r].max - rows[r].max) * rows[r].weight;
    const float spread = rows[r].spread;
    BFloat16* const row = values + r * stride;
    for_lanes(
        width, [&](std::int64_t, const auto& load, const auto& store) __attribute__((always_inline)) {
          Floats value;
          load(row, value);
          store(value * factor - spread, row);
        });
  }
}

/// The work on up to chunk_rows tokens.
class Chunk {
 public:
  Chunk(const torch::Tensor& hidden, const EmbeddingWeights& embedding, const torch::Tensor& target,
        const torch::Tensor& weight, double smoothing)
      : hidden_(hidden),
        embedding_(embedding),
        target_(target.data_ptr<std::int64_t>()),
        weight_(weight.data_ptr<float>()),
        smoothing_(smoothing),
        rows_(hidden.size(0)),
        features_(hidden.size(1)),
        vocabulary_(embedding.weight.size(0)),
        blocks_((vocabulary_ + block - 1) / block),
        groups_((vocabulary_ + group - 1) / group),
        values_(memory_for(groups_ * rows_ * group)),
        sums_(static_cast<std::size_t>(blocks_ * rows_)),
        target_logit_(static_cast<std::size_t>(rows_)),
        factors_(static_cast<std::size_t>(rows_)),
        rows_of_target_(static_cast<std::size_t>(blocks_)) {
    for (std::int64_t r = 0; r < rows_; ++r) rows_of_target_[static_cast<std::size_t>(target_[r] / block)].push_back(r);
  }

  CrossEntropySums forward() {
    PackedFactor& factor = embedding_.packed->forward;
    if (factor.empty()) factor.pack_transposed(embedding_.weight);
    const auto* const from = hidden_.data_ptr<BFloat16>();
    at::parallel_for(0, blocks_, 1, [&](std::int64_t begin, std::int64_t end) {
      alignas(64) float logits[tile_rows * block];
      for (std::int64_t b = begin; b < end; ++b) {
        for (std::int64_t row = 0; row < rows_; row += tile_rows) {
          const std::int64_t count = std::min(tile_rows, rows_ - row);
          factor.multiply(from + row * features_, features_, count, b, 0, features_, logits, block);
          for (const std::int64_t r : rows_of_target_[static_cast<std::size_t>(b)]) {
            if (r < row || r >= row + count) continue;
            target_logit_[static_cast<std::size_t>(r)] = logits[(r - row) * block + target_[r] - b * block];
          }
          exponentials(logits, count, width(b), at(b, row), group, sums_.data() + b * rows_ + row);
        }
      }
      end_products();
    });
    return normalise();
  }

  /// Sets hidden_gradient and adds the embedding's.
  void backward(const torch::Tensor& hidden_gradient) {
    PackedFactor& factor = embedding_.packed->backward;
    if (factor.empty()) factor.pack(embedding_.weight);
    const std::int64_t padded = padded_inner(rows_);
    const torch::Tensor pairs = torch::empty({paired_elements(padded, features_)}, torch::kBFloat16);
    pair_rows(hidden_.data_ptr<BFloat16>(), features_, rows_, features_, padded, pairs.data_ptr<BFloat16>());
    at::parallel_for(0, blocks_, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<BFloat16> memory(static_cast<std::size_t>(transposed_stride(padded) * block));
      for (std::int64_t b = begin; b < end; ++b) {
        finish_gradients(b);
        add_to_embedding(b, pairs.data_ptr<BFloat16>(), padded, memory.data());
      }
      end_products();
    });
    gradient_of_hidden(factor, hidden_gradient);
  }

 private:
  BFloat16* memory_for(std::int64_t elements) const {
    torch::Tensor& memory = embedding_.packed->memory;
    if (!memory.defined() || memory.numel() < elements) {
      memory = empty_in_large_pages({groups_ * chunk_rows * group}, torch::kBFloat16);
    }
    return memory.data_ptr<BFloat16>();
  }
  std::int64_t width(std::int64_t b) const { return std::min(block, vocabulary_ - b * block); }
  BFloat16* at(std::int64_t b, std::int64_t row) const {
    constexpr std::int64_t per_group = group / block;
    return values_ + (b / per_group * rows_ + row) * group + b % per_group * block;
  }

  CrossEntropySums normalise() {
    CrossEntropySums result;
    for (std::int64_t r = 0; r < rows_; ++r) {
      const auto i = static_cast<std::size_t>(r);
      float max = sums_[i].max;
      for (std::int64_t b = 1; b < blocks_; ++b) max = std::max(max, of(b, r).max);
      double total = 0.0, plain = 0.0;
      for (std::int64_t b = 0; b < blocks_; ++b) {
        const BlockSums& sums = of(b, r);
        total += static_cast<double>(sums.sum * vector_exp(sums.max - max));
        plain += static_cast<double>(sums.plain);
      }
      factors_[i] = {
          max, static_cast<float>(static_cast<double>(weight_[r]) / total),
          static_cast<float>(static_cast<double>(weight_[r]) * smoothing_ / static_cast<double>(vocabulary_))};
      const double normaliser = static_cast<double>(max) + std::log(total);
      const double nll = normaliser - static_cast<double>(target_logit_[i]);
      const double even = normaliser - plain / static_cast<double>(vocabulary_);
      const auto w = static_cast<double>(weight_[r]);
      result.negative_log_likelihood += w * nll;
      result.loss += w * ((1.0 - smoothing_) * nll + smoothing_ * even);
    }
    return result;
  }
  const BlockSums& of(std::int64_t b, std::int64_t row) const {
    return sums_[static_cast<std::size_t>(b * rows_ + row)];
  }

  void finish_gradients(std::int64_t b) {
    const BlockSums* const sums = sums_.data() + b * rows_;
    gradients(factors_.data(), sums, rows_, width(b), at(b, 0), group);
    for (const std::int64_t r : rows_of_target_[static_cast<std::size_t>(b)]) {
      BFloat16& own = at(b, r)[target_[r] - b * block];
      own = BFloat16(static_cast<float>(own) - weight_[r] * static_cast<float>(1.0 - smoothing_));
    }
  }

  /// gradient [64 pieces, features] += gradients of the block's logits, transposed, times hidden.
  void add_to_embedding(std::int64_t b, const BFloat16* hidden_pairs, std::int64_t padded, BFloat16* transposed) {
    const std::int64_t stride = transposed_stride(padded);
    transpose_rows(at(b, 0), group, rows_, block, padded, transposed, stride);
    float* const into = embedding_.gradient.data_ptr<float>() + b * block * features_;
    add_product_with_pairs(transposed, stride, width(b), hidden_pairs, padded, features_, into);
  }

  void gradient_of_hidden(const PackedFactor& factor, const torch::Tensor& hidden_gradient) {
    constexpr std::int64_t rows_together = 512;
    const std::int64_t width = factor.blocks() * block;
    at::parallel_for(0, (rows_ + rows_together - 1) / rows_together, 1, [&](std::int64_t begin, std::int64_t end) {
      std::vector<float> sums(static_cast<std::size_t>(rows_together * width));
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t first = task * rows_together, last = std::min(rows_, first + rows_together);
        for (std::int64_t g = 0; g < groups_; ++g) {
          const std::int64_t pieces = std::min(group, vocabulary_ - g * group);
          const std::int64_t inner = padded_inner(pieces);
          for (std::int64_t f = 0; f < factor.blocks(); ++f) {
            for (std::int64_t row = first; row < last; row += tile_rows) {
              factor.multiply(at(g * (group / block), row), group, std::min(tile_rows, last - row), f, g * group, inner,
                              sums.data() + (row - first) * width + f * block, width, g == 0 ? Into::fresh : Into::sum);
            }
          }
        }
        round_rows(sums.data(), width, last - first, features_,
                   hidden_gradient.data_ptr<BFloat16>() + first * features_);
      }
      end_products();
    });
  }

  REST_CLONES static void round_rows(const float* sums, std::int64_t width, std::int64_t rows, std::int64_t features,
                                     BFloat16* out) {
    for (std::int64_t r = 0; r < rows; ++r) {
      for_lanes(
          features, [&](std::int64_t, const auto& load, const auto& store) __attribute__((always_inline)) {
            Floats value;
            load(sums + r * width, value);
            store(value, out + r * features);
          });
    }
  }

  torch::Tensor hidden_;
  EmbeddingWeights embedding_;
  const std::int64_t* target_;
  const float* weight_;
  double smoothing_;
  std::int64_t rows_, features_, vocabulary_, blocks_, groups_;
  BFloat16* values_;             // [groups, rows, group]: exponentials, then gradients of logits
  std::vector<BlockSums> sums_;  // [blocks, rows]
  std::vector<float> target_logit_;
  std::vector<RowFactors> factors_;
  std::vector<std::vector<std::int64_t>> rows_of_target_;  // per block: rows whose target is in it
};

}  // namespace

CrossEntropySums bfloat16_cross_entropy(const torch::Tensor& hidden, const EmbeddingWeights& embedding,
                                        const torch::Tensor& target, const torch::Tensor& weight, double smoothing,
                                        const torch::Tensor& hidden_gradient) {
  CrossEntropySums sums;
  for (std::int64_t first = 0; first < hidden.size(0); first += chunk_rows) {
    const std::int64_t rows = std::min(chunk_rows, hidden.size(0) - first);
    Chunk chunk(hidden.narrow(0, first, rows), embedding, target.narrow(0, first, rows), weight.narrow(0, first, rows),
                smoothing);
    const CrossEntropySums own = chunk.forward();
    sums.loss += own.loss;
    sums.negative_log_likelihood += own.negative_log_likelihood;
    if (hidden_gradient.defined()) chunk.backward(hidden_gradient.narrow(0, first, rows));
  }
  return sums;
}

}  // namespace rest
