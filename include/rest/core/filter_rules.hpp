#pragma once

#include <string>
#include <vector>

namespace rest {

/// The filters that improve.filter may name, for messages.
inline constexpr const char* filter_words =
    "\"threshold\", \"percentile\", \"interpolation\", \"quantile\" or \"top_k\"";
bool is_filter(const std::string& name);

/// Throws UsageError naming key and reason when improve.thresholds do not fit improve.filter: a value outside of the
/// filter's range (threshold: any number; percentile and quantile: at least 0 and below 1; interpolation: from 0 to 1;
/// top_k: whole numbers from 1), or a step that would not keep less than the one before (top_k falls, the others rise).
void require_thresholds(const std::string& filter, const std::vector<double>& thresholds);

}  // namespace rest
