#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace rest {

/// The candidate chosen, and how similar it is to be expected to what the policy says.
struct MbrChoice {
  std::size_t index;
  double expected_chrf;  ///< in [0, 100], mean over all other samples
};

/// Minimum Bayes risk (Kumar and Byrne 2004; over samples: Eikema and Aziz 2020) with chrF as utility: the candidate
/// with the highest mean sentence chrF against all other samples of the source, a candidate drawn c times being c
/// samples (c - 1 of which are other ones to itself). Of equal ones the first. A single sample is chosen with
/// expectation 0. Throws Error when there is none.
MbrChoice minimum_bayes_risk(const std::vector<std::string>& texts, const std::vector<std::uint32_t>& counts);

}  // namespace rest
