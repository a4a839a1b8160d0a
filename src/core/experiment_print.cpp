#include <sstream>

#include "experiment_fields.hpp"
#include "rest/core/experiment.hpp"

#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

namespace rest {
namespace {

std::string toml_value(const std::string& value) {
  std::ostringstream out;
  out << toml::value<std::string>(value);
  return out.str();
}
std::string toml_value(std::int64_t value) { return std::to_string(value); }
std::string toml_value(bool value) { return value ? "true" : "false"; }
std::string toml_value(double value) {
  const std::string text = nlohmann::json(value).dump();  // the shortest that reads back the same
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}
template <class T>
std::string toml_value(const std::vector<T>& values) {
  std::string text;
  for (const T& value : values) text += (text.empty() ? "" : ", ") + toml_value(value);
  return "[" + text + "]";
}

template <class Options>
nlohmann::json to_json(Options options) {
  auto json = nlohmann::json::object();
  fields(options, [&](const char* key, auto& field, const char*, const auto&) { json[key] = field; });
  return json;
}

}  // namespace

std::string to_toml(const Experiment& experiment) {
  std::ostringstream out;
  Experiment copy = experiment;
  sections(copy, [&](const char* name, auto& options) {
    out << (out.tellp() > 0 ? "\n" : "") << '[' << name << "]\n";
    fields(options, [&](const char* key, auto& field, const char* meaning, const auto&) {
      out << key << " = " << toml_value(field) << (*meaning ? std::string("  # ") + meaning : "") << '\n';
    });
  });
  return out.str();
}

nlohmann::json options_json(const DataOptions& options) { return to_json(options); }
nlohmann::json options_json(const ModelOptions& options) { return to_json(options); }
nlohmann::json options_json(const TrainOptions& options) { return to_json(options); }
nlohmann::json options_json(const GrowOptions& options) { return to_json(options); }
nlohmann::json options_json(const RewardOptions& options) { return to_json(options); }
nlohmann::json options_json(const RewardModelOptions& options) { return to_json(options); }
nlohmann::json options_json(const ImproveOptions& options) { return to_json(options); }
nlohmann::json options_json(const EvaluateOptions& options) { return to_json(options); }

}  // namespace rest
