#include "candidate_set.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace rest {

std::vector<Candidate> merge_candidates(std::vector<FinishedPrefix> finished) {
  std::sort(finished.begin(), finished.end(),
            [](const FinishedPrefix& a, const FinishedPrefix& b) { return a.first_sample < b.first_sample; });
  const auto identity = [](const Candidate& c) { return std::tie(c.original, c.finished, c.tokens); };
  const auto less = [&](const Candidate* a, const Candidate* b) { return identity(*a) < identity(*b); };
  std::map<const Candidate*, std::size_t, decltype(less)> place(less);
  std::vector<Candidate> merged;
  merged.reserve(finished.size());  // the map points into it
  for (FinishedPrefix& next : finished) {
    const auto found = place.find(&next.candidate);
    if (found != place.end()) {
      merged[found->second].count += next.candidate.count;
    } else {
      merged.push_back(std::move(next.candidate));
      place.emplace(&merged.back(), merged.size() - 1);
    }
  }
  return merged;
}

}  // namespace rest
