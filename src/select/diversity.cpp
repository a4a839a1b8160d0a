#include "rest/select/diversity.hpp"

#include <unordered_set>

namespace rest {
namespace {

/// Pairs of neighbouring pieces in the candidates of one source.
struct Pairs {
  std::unordered_set<std::uint64_t> different;
  double total = 0.0;

  void add(const Example& candidate) {
    for (std::size_t t = 1; t < candidate.target.size(); ++t) {
      different.insert(std::uint64_t{candidate.target[t - 1]} << 32 | candidate.target[t]);
      total += static_cast<double>(candidate.weight);
    }
  }
};

}  // namespace

Diversity diversity_of(const CandidateView& view) {
  Diversity diversity;
  double candidates = 0.0, sources = 0.0, sources_with_pairs = 0.0;
  for (std::size_t i = 0; i < view.size();) {
    Pairs pairs;
    const std::uint32_t source = view.source(i);
    for (; i < view.size() && view.source(i) == source; ++i) {
      const Example candidate = view.get(i);
      candidates += static_cast<double>(candidate.weight);
      pairs.add(candidate);
    }
    sources += 1.0;
    if (pairs.total == 0.0) continue;
    sources_with_pairs += 1.0;
    diversity.distinct_2 += static_cast<double>(pairs.different.size()) / pairs.total;
  }
  const auto rows = static_cast<double>(view.size());
  if (sources > 0.0) diversity.distinct_per_source = rows / sources;
  if (candidates > 0.0) diversity.duplicate_share = 1.0 - rows / candidates;
  if (sources_with_pairs > 0.0) diversity.distinct_2 /= sources_with_pairs;
  return diversity;
}

}  // namespace rest
