#pragma once

#include <cstdint>

#include "rest/grow/sampling_head.hpp"

namespace rest {

/// Whether top-k, top-p or epsilon can drop anything.
bool cuts(const SamplingOptions& options, std::int64_t vocabulary_size);

/// Sets the weights of cut tokens to zero. Each cut sees the probabilities that the one before it left, renormalised.
void cut_tokens(const SamplingOptions& options, const float* logits, std::int64_t vocabulary_size, float* weights);
void cut_tokens(const SamplingOptions& options, const double* logits, std::int64_t vocabulary_size, double* weights);

}  // namespace rest
