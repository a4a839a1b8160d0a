#pragma once

#include <vector>

#include "rest/grow/generator.hpp"

namespace rest {

/// A candidate as it leaves the decoder, before equal ones are put together.
struct FinishedPrefix {
  Candidate candidate;
  std::uint32_t first_sample;
};

/// One candidate for each distinct one, counts added up, by first sample; the original behind them, apart from samples
/// equal to it.
std::vector<Candidate> merge_candidates(std::vector<FinishedPrefix> finished);

}  // namespace rest
