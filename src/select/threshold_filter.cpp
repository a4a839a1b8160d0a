#include <algorithm>

#include "rest/core/error.hpp"
#include "rest/select/filter.hpp"

namespace rest {

void ThresholdFilter::mark(const ScoredCandidates& candidates, std::vector<std::uint8_t>& kept) const {
  const auto threshold = static_cast<float>(threshold_);
  if (threshold_ < 0.0) return std::fill(kept.begin(), kept.end(), std::uint8_t{1});
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i] = candidates.reward[i] > threshold;
}

std::string ThresholdFilter::words() const { return threshold_ < 0.0 ? "all of D_g" : concat("R > ", threshold_); }

}  // namespace rest
