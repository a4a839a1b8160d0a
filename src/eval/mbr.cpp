#include "rest/eval/mbr.hpp"

#include "rest/core/error.hpp"
#include "rest/text/pairwise_chrf.hpp"

namespace rest {

MbrChoice minimum_bayes_risk(const std::vector<std::string>& texts, const std::vector<std::uint32_t>& counts) {
  if (texts.empty() || texts.size() != counts.size()) {
    throw Error(concat("minimum Bayes risk of ", texts.size(), " texts with ", counts.size(), " counts"));
  }
  std::int64_t samples = 0;
  for (const std::uint32_t count : counts) samples += count;
  if (samples < 2) return {0, 0.0};
  const PairwiseChrf chrf(texts);
  MbrChoice best{0, -1.0};
  for (std::size_t candidate = 0; candidate < texts.size(); ++candidate) {
    double sum = -chrf(candidate, candidate);  // the sample itself is no other one
    for (std::size_t other = 0; other < texts.size(); ++other) sum += counts[other] * chrf(candidate, other);
    const double expected = sum / static_cast<double>(samples - 1);
    if (expected > best.expected_chrf) best = {candidate, expected};
  }
  return best;
}

}  // namespace rest
