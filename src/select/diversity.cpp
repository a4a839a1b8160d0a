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

/// Sums over sources.
struct Sums {
  double rows = 0.0, candidates = 0.0, sources = 0.0, sources_with_pairs = 0.0, distinct_2 = 0.0;

  void add(const KeptCandidates& block) {
    for (std::size_t i = 0; i < block.size();) {
      Pairs pairs;
      const std::uint64_t source = block.source(i);
      for (; i < block.size() && block.source(i) == source; ++i) {
        const Example candidate = block.get(i);
        rows += 1.0;
        candidates += static_cast<double>(candidate.weight);
        pairs.add(candidate);
      }
      sources += 1.0;
      if (pairs.total == 0.0) continue;
      sources_with_pairs += 1.0;
      distinct_2 += static_cast<double>(pairs.different.size()) / pairs.total;
    }
  }
};

}  // namespace

Diversity diversity_of(const CandidateView& view) {
  Sums sums;
  view.each_block([&](const KeptCandidates& block) { sums.add(block); });
  Diversity diversity;
  if (sums.sources > 0.0) diversity.distinct_per_source = sums.rows / sums.sources;
  if (sums.candidates > 0.0) diversity.duplicate_share = 1.0 - sums.rows / sums.candidates;
  if (sums.sources_with_pairs > 0.0) diversity.distinct_2 = sums.distinct_2 / sums.sources_with_pairs;
  return diversity;
}

}  // namespace rest
