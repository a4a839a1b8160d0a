#pragma once

#include "rest/select/view.hpp"

namespace rest {

/// How different the candidates of a view are from one another. All of it within sources, so that views of few and of
/// many sources compare.
struct Diversity {
  double distinct_per_source = 0.0;  ///< different candidates of a source, mean over sources with any
  double duplicate_share = 0.0;      ///< of candidates by count: repeats of another of the same source
  /// Distinct-2 (Li et al. 2016) of a source, mean over sources: different pairs of neighbouring pieces among all pairs
  /// of its candidates, each as often as it was drawn; begin and end pieces not counted.
  double distinct_2 = 0.0;
};

/// Of a view that has not been mixed (CandidateView::mix): its weights are counts.
Diversity diversity_of(const CandidateView& view);

}  // namespace rest
