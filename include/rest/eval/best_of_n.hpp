#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace rest {

/// A distinct candidate of a source among the samples drawn: what it is chosen by, what else is said of it, and how
/// often it was drawn.
struct DrawnScores {
  double reward;
  double score;
  std::uint32_t count;
};

/// What to expect of the best by reward among N of a source's samples, for N = 1, 2, ...: entry N - 1.
struct BestOfCurve {
  std::vector<double> reward;  ///< the best reward
  std::vector<double> score;   ///< the score of the sample that has it
};

/// Best-of-N (section 4), without the noise of which N samples are taken: the exact expectation over all subsets of N
/// of the samples drawn (each sample counts, so a candidate as often as it was drawn), by order statistics. With C_r of
/// the M samples at reward r or below, P(best <= r) = C(C_r, N) / C(M, N). Of equal rewards each is chosen with the
/// same probability. N runs up to `largest`, or to M if that is less. Throws Error when nothing was drawn.
BestOfCurve best_of_curve(std::vector<DrawnScores> drawn, std::int64_t largest);

/// "1,2,5,10" as ascending numbers without repeats. Throws UsageError naming what is no number from 1 to `largest`.
std::vector<std::int64_t> parse_best_of(const std::string& list, std::int64_t largest);

}  // namespace rest
