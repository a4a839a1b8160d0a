#include <algorithm>

#include "ordered_bits.hpp"
#include "rest/select/filter.hpp"

namespace rest {
namespace {

/// A sample as one integer, which sorts faster than two: by reward, equal ones by count, so that sums do not depend on
/// the order of rows.
std::uint64_t packed(float reward, std::uint32_t count) { return std::uint64_t{ordered_bits(reward)} << 32 | count; }

}  // namespace

void SourceCutFilter::mark(const ScoredCandidates& candidates, std::vector<std::uint8_t>& kept) const {
  std::vector<std::uint64_t> keys;
  std::vector<Sample> samples;
  std::size_t row = 0;
  for (const std::uint32_t rows : candidates.candidates_per_source) {
    const std::size_t begin = row, end = row + rows;
    keys.clear();
    for (; row < end; ++row) {
      if (candidates.count[row] == 0 || candidates.origin[row] != static_cast<std::uint8_t>(Origin::sample)) continue;
      keys.push_back(packed(candidates.reward[row], candidates.count[row]));
    }
    std::sort(keys.begin(), keys.end(), std::greater<>());
    samples.clear();
    for (const std::uint64_t key : keys) {
      samples.push_back({from_ordered_bits(static_cast<std::uint32_t>(key >> 32)), static_cast<std::uint32_t>(key)});
    }
    const float cut = samples.empty() ? 0.0f : this->cut(samples);
    for (row = begin; row < end; ++row) kept[row] = samples.empty() || candidates.reward[row] >= cut;
  }
}

}  // namespace rest
