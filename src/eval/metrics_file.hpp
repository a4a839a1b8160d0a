#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "rest/core/run_directory.hpp"

namespace rest {

/// Whose evaluation a file of metrics/ is.
struct MetricsName {
  std::string policy, corpus;
  std::string kind{};                   ///< of decoding ("beam_4_lp1.0"); empty: sampled and greedy
  std::optional<double> temperature{};  ///< asked for on the command line
};

/// metrics/POLICY.CORPUS[.KIND][.tT].json
std::filesystem::path metrics_file(const RunDirectory& run, const MetricsName& name);

/// As JSON and file names have it: 1.0, 0.8.
std::string plain_number(double value);

/// What is committed there. Throws Error naming rest_evaluate where there is nothing.
nlohmann::json load_metrics(const std::filesystem::path& file, const std::string& policy);

}  // namespace rest
