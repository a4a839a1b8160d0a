#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "rest/core/experiment.hpp"

namespace rest {

/// What a draw is made from. temperature 0: greedy (the first of equal maxima).
struct SamplingOptions {
  double temperature = 0.8;
  std::int64_t top_k = 0;  ///< 0: all
  double top_p = 1.0;
  double epsilon = 0.0;  ///< drop tokens whose probability (at the temperature) is below; the best one always stays
};

/// The next-token distributions of a batch of rows, ready to be drawn from by inverse CDF.
///
/// The definition, the same in every implementation of the head: tokens stand in blocks of 128. In a block of largest
/// logit m, token v weighs w_v = exp((logit_v - m) / T) in the precision of the logits (float32 for bfloat16; 1 / T is
/// rounded to it and multiplied with), and the block weighs exp((m - M) / T) times the sum of its w_v, M being the
/// largest logit of all, this factor in the logits' precision too. Sums within a block are made in 16 interleaved lanes
/// (lane j takes tokens j, j + 16, ...), lanes added by halves (j + (j + 8), then 4, 2, 1); blocks are added up in
/// float64 in order. Tokens cut by top-k, then top-p, then epsilon, each of what the one before left and renormalised,
/// have weight 0 (ties go to the lower token). A uniform u in [0, 1) picks the first block whose running sum exceeds u
/// * total, then within it the first token whose running sum, in order from the block's start in float64, exceeds what
/// is left; rounding that runs past the end takes the block's last token with weight.
class SamplingHead {
 public:
  SamplingHead(SamplingOptions options, std::int64_t vocabulary_size);

  /// logits [rows, vocabulary]: float32, float64 or bfloat16 (widened), on any device. Replaces the rows held; the
  /// tensor is shared, not copied, so leave it as it is while drawing. Throws Error when a row holds NaN or infinity.
  void prepare(const torch::Tensor& logits);
  /// Token of `row` for a uniform in [0, 1). Greedy ignores the uniform.
  std::int64_t draw(std::int64_t row, double uniform) const;
  /// Natural log-probability of a token at temperature 1, nothing cut.
  double log_prob(std::int64_t row, std::int64_t token) const;
  /// Natural log-probability under the distribution drawn from; -infinity for a token that was cut.
  double sampling_log_prob(std::int64_t row, std::int64_t token) const;

 private:
  template <class Real>
  void prepare_row(std::int64_t row);
  /// Sets the weights of cut tokens to zero and makes the running sums again.
  template <class Real>
  void cut_row(const Real* logits, const double* factor, double* cumulative, Real* weights) const;

  SamplingOptions options_;
  std::int64_t vocabulary_size_, blocks_;
  torch::Tensor logits_, weights_;            // [rows, vocabulary], the latter padded to whole blocks
  std::vector<double> factor_;                // [rows, blocks]: exp((m - M) / T)
  std::vector<double> cumulative_;            // [rows, blocks] running block sums
  std::vector<double> log_normaliser_, max_;  // [rows]: log sum exp at T = 1; largest logit
};

}  // namespace rest
