#pragma once

#include <cstdint>

/// Loops over the vocabulary of one row, for SamplingHead; its header defines what they compute.
namespace rest {

constexpr std::int64_t head_block = 128, head_lanes = 16;

float largest(const float* values, std::int64_t size);
double largest(const double* values, std::int64_t size);

/// weights[v] = exp((logits[v] - max) * scale); zeros up to the end of the last block.
void exponentiate(const float* logits, std::int64_t size, float max, float scale, float* weights);
void exponentiate(const double* logits, std::int64_t size, double max, double scale, double* weights);

/// Running block sums, [blocks].
void accumulate(const float* weights, std::int64_t blocks, double* cumulative);
void accumulate(const double* weights, std::int64_t blocks, double* cumulative);

/// Sum of exp(logits[v] - max), by the same blocks.
double sum_exponentials(const float* logits, std::int64_t size, float max);
double sum_exponentials(const double* logits, std::int64_t size, double max);

}  // namespace rest
