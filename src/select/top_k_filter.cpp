#include <algorithm>

#include "rest/core/error.hpp"
#include "rest/select/filter.hpp"

namespace rest {

void TopKFilter::mark(const ScoredCandidates& candidates, std::vector<std::uint8_t>& kept) const {
  std::vector<std::size_t> order;
  std::size_t row = 0;
  for (const std::uint32_t rows : candidates.candidates_per_source) {
    order.clear();
    for (const std::size_t end = row + rows; row < end; ++row) order.push_back(row);
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return candidates.reward[a] > candidates.reward[b]; });
    std::uint64_t better = 0, seen = 0;  // counts: above the reward in hand, above or at it
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (i == 0 || candidates.reward[order[i]] < candidates.reward[order[i - 1]]) better = seen;
      if (better >= k_) break;
      kept[order[i]] = 1;
      seen += candidates.count[order[i]];
    }
  }
}

std::string TopKFilter::words() const { return concat("top ", k_, " a source"); }

}  // namespace rest
