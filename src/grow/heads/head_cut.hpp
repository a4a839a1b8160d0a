#pragma once

#include <cstdint>

#include "rest/grow/sampling_head.hpp"

namespace rest {

/// Whether top-k, top-p or epsilon can drop anything.
bool cuts(const SamplingOptions& options, std::int64_t vocabulary_size);

/// Sets the weights of cut tokens to zero. Each cut sees the probabilities that the one before it left, renormalised.
/// `factor`: what a weight is multiplied with, by block of 128 tokens.
void cut_tokens(const SamplingOptions& options, const float* logits, std::int64_t vocabulary_size, const double* factor,
                float* weights);
void cut_tokens(const SamplingOptions& options, const double* logits, std::int64_t vocabulary_size,
                const double* factor, double* weights);

}  // namespace rest
