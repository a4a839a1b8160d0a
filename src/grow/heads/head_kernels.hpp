#pragma once

#include <cstdint>

/// Loops over the vocabulary of one row, for the sampling heads; sampling_head.hpp defines what they compute.
namespace rest {

constexpr std::int64_t head_block = 128, head_lanes = 16;

/// The most of a row's likeliest pieces that draw_kept_pieces (head_operators.hpp) can look at, besides the one that
/// bounds all others.
constexpr std::int64_t most_leading_pieces = 256;

inline std::int64_t head_blocks(std::int64_t vocabulary_size) {
  return (vocabulary_size + head_block - 1) / head_block;
}

/// Of a block: its largest logit m, and the sums of exp((logit - m) / T) and of exp(logit - m).
template <class Real>
struct BlockSums {
  Real max, sum, sum_at_1;
};

/// Of each block of `logits` [size]. `inverse_temperature` 0: only the largest and the sum at 1. `weights`, where
/// given, is [whole blocks]: exp((logit - m) / T), with zeros up to the end of the last block.
void sum_blocks(const float* logits, std::int64_t size, float inverse_temperature, BlockSums<float>* sums,
                float* weights = nullptr);
void sum_blocks(const double* logits, std::int64_t size, double inverse_temperature, BlockSums<double>* sums,
                double* weights = nullptr);

/// exp(m - max) of each block, then exp((m - max) / T), [2, blocks].
void block_factors(const BlockSums<float>* sums, std::int64_t blocks, float max, float inverse_temperature,
                   float* factors);
void block_factors(const BlockSums<double>* sums, std::int64_t blocks, double max, double inverse_temperature,
                   double* factors);

/// Places of the logits [size, at most a block] that are above a bound, ascending. -> how many.
std::int64_t find_above(const float* logits, std::int64_t size, float bound, std::int32_t* places);
std::int64_t find_above(const double* logits, std::int64_t size, double bound, std::int32_t* places);

/// exp((logit - largest) / T), largest being that of the logit's block.
float weight_in_block(float logit, float largest, float inverse_temperature);
double weight_in_block(double logit, double largest, double inverse_temperature);

/// The sum of one block's weights [128], in the order of lanes.
float block_sum(const float* weights);
double block_sum(const double* weights);

}  // namespace rest
