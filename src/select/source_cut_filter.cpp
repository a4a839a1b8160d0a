#include <algorithm>

#include "rest/select/filter.hpp"

namespace rest {

void SourceCutFilter::mark(const ScoredCandidates& candidates, std::vector<std::uint8_t>& kept) const {
  std::vector<Sample> samples;
  std::size_t row = 0;
  for (const std::uint32_t rows : candidates.candidates_per_source) {
    const std::size_t begin = row, end = row + rows;
    samples.clear();
    for (; row < end; ++row) {
      if (candidates.count[row] == 0 || candidates.origin[row] != static_cast<std::uint8_t>(Origin::sample)) continue;
      samples.push_back({candidates.reward[row], candidates.count[row]});
    }
    // Equal rewards by count, so that sums do not depend on the order of rows.
    std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
      return a.reward != b.reward ? a.reward > b.reward : a.count > b.count;
    });
    const float cut = samples.empty() ? 0.0f : this->cut(samples);
    for (row = begin; row < end; ++row) kept[row] = samples.empty() || candidates.reward[row] >= cut;
  }
}

}  // namespace rest
