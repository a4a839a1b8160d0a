#pragma once

#include <cstdint>
#include <vector>

#include "rest/grow/sampling_head.hpp"

namespace rest {

/// Whether top-k, top-p or epsilon can drop anything. Greedy drops nothing: the best token always stays.
bool cuts(const SamplingOptions& options, std::int64_t vocabulary_size);

/// A token as cuts see it. `weight`: in the same measure for all tokens of a row.
template <class Real>
struct WeighedToken {
  Real logit;
  std::int32_t token;
  double weight;
};

/// Leaves the tokens that top-k, then top-p, then epsilon keep, in any order; each sees the probabilities that the one
/// before left, renormalised. Not all tokens need be given, only those that the first cut keeps. `total`: the weight of
/// all tokens.
template <class Real>
void cut_tokens(const SamplingOptions& options, double total, std::vector<WeighedToken<Real>>& tokens);

}  // namespace rest
