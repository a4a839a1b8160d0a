#include "rest/core/filter_rules.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "rest/core/error.hpp"

namespace rest {
namespace {

struct FilterRule {
  const char* name;
  bool (*allows)(double);
  const char* words;
  bool falls;  ///< a smaller value keeps less
};

bool any(double) { return true; }
bool below_one(double v) { return v >= 0.0 && v < 1.0; }
bool share(double v) { return v >= 0.0 && v <= 1.0; }
bool whole(double v) { return v >= 1.0 && v <= 4294967295.0 && v == std::floor(v); }

constexpr FilterRule rules[] = {{"threshold", any, "numbers", false},
                                {"percentile", below_one, "at least 0 and below 1", false},
                                {"interpolation", share, "from 0 to 1", false},
                                {"quantile", below_one, "at least 0 and below 1", false},
                                {"top_k", whole, "whole numbers from 1", true}};

const FilterRule* find(const std::string& name) {
  for (const FilterRule& rule : rules) {
    if (name == rule.name) return &rule;
  }
  return nullptr;
}

std::string shown(double value) { return nlohmann::json(value).dump(); }

}  // namespace

bool is_filter(const std::string& name) { return find(name) != nullptr; }

void require_thresholds(const std::string& filter, const std::vector<double>& thresholds) {
  const FilterRule* rule = find(filter);
  if (rule == nullptr)
    throw UsageError("improve.filter = \"" + filter + "\" is unknown", "", concat("use ", filter_words));
  for (std::size_t i = 0; i < thresholds.size(); ++i) {
    const double value = thresholds[i];
    if (!rule->allows(value)) {
      throw UsageError(concat("improve.thresholds holds ", shown(value)),
                       concat("those of improve.filter = \"", filter, "\" must be ", rule->words));
    }
    if (i == 0 || (rule->falls ? value < thresholds[i - 1] : value > thresholds[i - 1])) continue;
    throw UsageError(concat("improve.thresholds ", rule->falls ? "do not fall" : "do not rise", ": ", shown(value),
                            " follows ", shown(thresholds[i - 1])),
                     concat("an Improve step keeps a part of what the one before kept, and improve.filter = \"", filter,
                            "\" keeps less the ", rule->falls ? "smaller" : "larger", " its value"));
  }
}

}  // namespace rest
