#pragma once

#include <memory>

#include "../products/packed_model.hpp"

namespace rest {

/// SamplingHead's draws without an array of all logits: these are made for a block of the vocabulary at a time and only
/// their sums are kept; the block that a draw falls into is computed once more, or, with cuts, those that may hold a
/// token to be kept.
/// `weights` must outlive it.
template <class Format>
std::unique_ptr<ProjectionHead> fused_head(const DecoderWeights<Format>& weights, const SamplingOptions& options);

}  // namespace rest
