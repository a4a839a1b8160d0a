#pragma once

#include <memory>

#include "../products/packed_model.hpp"

namespace rest {

/// The decoder as the CPU does it best: matrix products of packed weights, and between them loops of our own over one
/// row at a time, in float32 (float64 for float64). `model` gives embeddings; it and `weights` must outlive it.
template <class Format>
std::unique_ptr<TreeDecoder> native_decoder(const Transformer& model, const DecoderWeights<Format>& weights,
                                            PhaseTimes& times);

}  // namespace rest
