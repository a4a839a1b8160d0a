#pragma once

#include <memory>

#include "../products/packed_model.hpp"

namespace rest {

/// SamplingHead's draws with nothing cut, without an array of all logits: these are made for a block of the vocabulary
/// at a time and only their sums are kept; the block that a draw falls into is computed once more.
/// `weights` must outlive it.
template <class Format>
std::unique_ptr<ProjectionHead> fused_head(const DecoderWeights<Format>& weights, const SamplingOptions& options);

}  // namespace rest
