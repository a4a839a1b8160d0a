#include "rest/core/error.hpp"
#include "rest/core/filter_rules.hpp"
#include "rest/select/filter.hpp"

namespace rest {

std::vector<double> threshold_schedule(const std::string& filter, const std::vector<double>& thresholds,
                                       std::int64_t steps) {
  if (steps < 0) throw UsageError(concat("improve.steps is ", steps), "", "give 0 or more");
  require_thresholds(filter, thresholds);
  const auto available = static_cast<std::int64_t>(thresholds.size());
  if (steps > available) {
    throw UsageError(concat("improve.steps is ", steps), concat("improve.thresholds has only ", available),
                     "give a threshold for every step");
  }
  return {thresholds.end() - steps, thresholds.end()};
}

}  // namespace rest
