#include "rest/eval/best_of_n.hpp"

#include <algorithm>
#include <charconv>
#include <set>

#include "rest/core/error.hpp"

namespace rest {
namespace {

/// The samples that share a reward.
struct Level {
  double reward;
  double score;          ///< mean over them
  std::int64_t at_most;  ///< samples with this reward or less
  double all_at_most;    ///< P(N samples lie at or below), for the N that it was brought to
};

/// Ascending by reward.
std::vector<Level> levels_of(std::vector<DrawnScores> drawn) {
  std::stable_sort(drawn.begin(), drawn.end(),
                   [](const DrawnScores& a, const DrawnScores& b) { return a.reward < b.reward; });
  std::vector<Level> levels;
  std::int64_t below = 0;
  for (std::size_t first = 0, last = 0; first < drawn.size(); first = last) {
    double score = 0.0;
    std::int64_t count = 0;
    for (; last < drawn.size() && drawn[last].reward == drawn[first].reward; ++last) {
      score += drawn[last].score * drawn[last].count;
      count += drawn[last].count;
    }
    if (count == 0) continue;
    below += count;
    levels.push_back({drawn[first].reward, score / static_cast<double>(count), below, 1.0});
  }
  return levels;
}

}  // namespace

BestOfCurve best_of_curve(std::vector<DrawnScores> drawn, std::int64_t largest) {
  std::vector<Level> levels = levels_of(std::move(drawn));
  if (levels.empty()) throw Error("Best-of-N of a source without samples");
  const std::int64_t samples = levels.back().at_most;
  BestOfCurve curve;
  for (std::int64_t n = 1; n <= std::min(largest, samples); ++n) {
    double reward = 0.0, score = 0.0, below = 0.0;
    for (Level& level : levels) {
      // From C(c, n - 1) / C(m, n - 1): factors of at most 1, so nothing overflows and no difference of logarithms
      // loses digits; what underflows has no weight.
      level.all_at_most *=
          static_cast<double>(std::max<std::int64_t>(level.at_most - n + 1, 0)) / static_cast<double>(samples - n + 1);
      const double probability = level.all_at_most - below;
      reward += probability * level.reward;
      score += probability * level.score;
      below = level.all_at_most;
    }
    curve.reward.push_back(reward);
    curve.score.push_back(score);
  }
  return curve;
}

std::vector<std::int64_t> parse_best_of(const std::string& list, std::int64_t largest) {
  std::set<std::int64_t> numbers;
  for (std::size_t first = 0; first <= list.size();) {
    const std::size_t last = std::min(list.find(',', first), list.size());
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(list.data() + first, list.data() + last, number);
    if (error != std::errc{} || end != list.data() + last || number < 1 || number > largest) {
      throw UsageError(concat("--best-of: \"", list.substr(first, last - first), "\" is no number from 1 to ", largest),
                       "", "give a list such as 1,2,5,10");
    }
    numbers.insert(number);
    first = last + 1;
  }
  return {numbers.begin(), numbers.end()};
}

}  // namespace rest
