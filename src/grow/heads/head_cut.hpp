#pragma once

#include <cstdint>
#include <vector>

#include "rest/grow/sampling_head.hpp"

namespace rest {

/// Whether top-k, top-p or epsilon can drop anything. Greedy sampling needs none of them: the best token always stays.
bool cuts(const SamplingOptions& options, std::int64_t vocabulary_size);

/// A token as cuts see it.
template <class Real>
struct RankedToken {
  Real logit;
  std::int32_t token;
  Real weight;  ///< in its block
};

struct RanksBefore {
  template <class Real>
  bool operator()(const RankedToken<Real>& a, const RankedToken<Real>& b) const {
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
  }
};

/// Leaves of `tokens` those that top-k, then top-p, then epsilon keep, in the order given; each cut sees the
/// probabilities that the one before left, renormalised. Tokens that the first cut drops need not be given. `factor`:
/// what a weight is multiplied with, by block of 128 tokens; `total`: of all tokens.
template <class Real>
void cut_tokens(const SamplingOptions& options, const double* factor, double total,
                std::vector<RankedToken<Real>>& tokens);

}  // namespace rest
