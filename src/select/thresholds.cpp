#include <algorithm>

#include "rest/core/error.hpp"
#include "rest/select/filter.hpp"

namespace rest {

std::vector<double> threshold_schedule(const std::vector<double>& thresholds, std::int64_t steps) {
  if (steps < 0) throw UsageError(concat("improve.steps is ", steps), "", "give 0 or more");
  if (!std::is_sorted(thresholds.begin(), thresholds.end())) {
    throw UsageError("improve.thresholds do not rise", "an Improve step keeps a part of what the one before kept");
  }
  const auto available = static_cast<std::int64_t>(thresholds.size());
  if (steps > available) {
    throw UsageError(concat("improve.steps is ", steps), concat("improve.thresholds has only ", available),
                     "give a threshold for every step");
  }
  return {thresholds.end() - steps, thresholds.end()};
}

}  // namespace rest
