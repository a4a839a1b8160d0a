#include "metrics_file.hpp"

#include <algorithm>

#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"

namespace rest {

std::string plain_number(double value) { return nlohmann::json(value).dump(); }

std::filesystem::path metrics_file(const RunDirectory& run, const MetricsName& name) {
  std::string file = name.policy;
  std::replace(file.begin(), file.end(), '/', '_');
  file += "." + name.corpus;
  if (!name.kind.empty()) file += "." + name.kind;
  if (name.temperature) file += ".t" + plain_number(*name.temperature);
  return run.metrics() / (file + ".json");
}

nlohmann::json load_metrics(const std::filesystem::path& file, const std::string& policy) {
  if (!find_committed(file)) {
    throw Error(file.string() + " is missing", "", "run rest_evaluate --policy " + policy + " on this corpus first");
  }
  return read_json(file);
}

}  // namespace rest
