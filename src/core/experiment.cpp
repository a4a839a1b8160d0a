#include "rest/core/experiment.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <sstream>

#include "experiment_fields.hpp"
#include "rest/core/error.hpp"

#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

namespace rest {
namespace {

namespace fs = std::filesystem;

std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  return *std::min_element(known.begin(), known.end(), [&](const auto& a, const auto& b) {
    return edit_distance(word, a) < edit_distance(word, b);
  });
}

/// Where a value was given, for messages: "file:12" or "--set ...".
struct Place {
  std::string words;
};

template <class T>
std::optional<T> read_value(const toml::node& node) {
  if constexpr (std::is_same_v<T, double>) {
    if (!node.is_number()) return std::nullopt;
    const double value = *node.value<double>();
    return std::isfinite(value) ? std::optional<double>(value) : std::nullopt;
  } else if constexpr (std::is_same_v<T, std::vector<double>>) {
    const auto* array = node.as_array();
    if (array == nullptr) return std::nullopt;
    std::vector<double> values;
    for (const auto& element : *array) {
      const auto value = read_value<double>(element);
      if (!value) return std::nullopt;
      values.push_back(*value);
    }
    return values;
  } else {
    return node.value_exact<T>();
  }
}

template <class T>
const char* type_words() {
  if constexpr (std::is_same_v<T, double>) return "a finite number";
  if constexpr (std::is_same_v<T, std::int64_t>) return "an integer";
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, std::string>) return "text in quotes";
  return "a list of finite numbers";
}

std::string known_words(const std::vector<std::string>& known) {
  std::string words;
  for (const std::string& word : known) words += (words.empty() ? "" : ", ") + word;
  return words;
}

void apply(Experiment& experiment, const std::string& section, const std::string& key, const toml::node& node,
           const Place& place) {
  std::vector<std::string> known_sections, known_keys;
  bool section_found = false, key_found = false;
  sections(experiment, [&](const char* name, auto& options) {
    known_sections.emplace_back(name);
    if (name != section) return;
    section_found = true;
    fields(options, [&](const char* field_key, auto& field, const char*, const auto& rule) {
      known_keys.emplace_back(field_key);
      if (field_key != key) return;
      key_found = true;
      using Field = std::decay_t<decltype(field)>;
      const auto value = read_value<Field>(node);
      if (!value) throw UsageError(place.words + ": " + section + "." + key + " must be " + type_words<Field>());
      if (!rule.allows(*value)) throw UsageError(place.words + ": " + section + "." + key + " must be " + rule.words);
      field = *value;
    });
  });
  if (!section_found) {
    throw UsageError(place.words + ": unknown section [" + section + "]", "known: " + known_words(known_sections),
                     "did you mean [" + nearest(section, known_sections) + "]?");
  }
  if (!key_found) {
    throw UsageError(place.words + ": unknown key " + section + "." + key, "",
                     "did you mean " + section + "." + nearest(key, known_keys) + "?");
  }
}

void apply_file(Experiment& experiment, const fs::path& file) {
  std::ifstream in(file);
  if (!in) throw UsageError("experiment file " + file.string() + " cannot be read", "", "check the path");
  std::stringstream text;
  text << in.rdbuf();
  toml::table table;
  try {
    table = toml::parse(text.str(), file.string());
  } catch (const toml::parse_error& problem) {
    throw UsageError(concat(file.string(), ":", problem.source().begin.line, ": ", problem.description()));
  }
  for (const auto& [section, content] : table) {
    const Place place{concat(file.string(), ":", content.source().begin.line)};
    if (!content.is_table()) {
      throw UsageError(place.words + ": " + std::string(section.str()) + " stands outside a section", "",
                       "put it under one of [data] [model] [train] [grow] [reward] [improve] [evaluate]");
    }
    for (const auto& [key, value] : *content.as_table()) {
      apply(experiment, std::string(section.str()), std::string(key.str()), value,
            {concat(file.string(), ":", value.source().begin.line)});
    }
    if (content.as_table()->empty()) {
      bool known = false;
      sections(experiment, [&](const char* name, auto&) { known = known || section.str() == name; });
      if (!known) throw UsageError(place.words + ": unknown section [" + std::string(section.str()) + "]");
    }
  }
}

/// Data paths are relative to the experiment file.
void resolve_paths(Experiment& experiment, const fs::path& folder) {
  DataOptions& data = experiment.data;
  for (std::string* path : {&data.train_source, &data.train_target, &data.valid_source, &data.valid_target,
                            &data.test_source, &data.test_target, &data.monolingual_source, &data.tokenizer,
                            &experiment.train.initial_policy}) {
    if (!path->empty() && fs::path(*path).is_relative()) *path = (folder / *path).lexically_normal().string();
  }
}

void apply_override(Experiment& experiment, const std::string& text) {
  const Place place{"--set " + text};
  const auto equals = text.find('='), dot = text.find('.');
  if (equals == std::string::npos || dot == std::string::npos || dot > equals) {
    throw UsageError(place.words + " is no section.key=value");
  }
  const std::string section = text.substr(0, dot), key = text.substr(dot + 1, equals - dot - 1), value = text.substr(equals + 1);
  toml::table table;
  try {
    table = toml::parse("value = " + value);
  } catch (const toml::parse_error&) {
    table.insert_or_assign("value", value);  // a bare word is text
  }
  if (table.size() != 1) throw UsageError(place.words + " is no single value");
  apply(experiment, section, key, *table.get("value"), place);
}

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
std::string toml_value(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : ", ") + toml_value(value);
  return "[" + text + "]";
}

template <class Options>
nlohmann::json to_json(Options options) {
  auto json = nlohmann::json::object();
  fields(options, [&](const char* key, auto& field, const char*, const auto&) { json[key] = field; });
  return json;
}

}  // namespace

Experiment load_experiment(const fs::path& file, const std::vector<std::string>& overrides) {
  Experiment experiment;
  apply_file(experiment, file);
  resolve_paths(experiment, file.parent_path());
  // Paths given by --set are relative to where the user stands, as on any command line.
  for (const std::string& text : overrides) apply_override(experiment, text);
  resolve_preset(experiment.model);  // its errors belong here, not in the middle of a run
  return experiment;
}

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

ModelOptions resolve_preset(ModelOptions options) {
  struct Shape {
    std::int64_t hidden, feed_forward, heads, layers;
    double dropout;
  };
  const Shape shape = options.preset == "mini"   ? Shape{128, 256, 4, 4, 0.3}
                      : options.preset == "tiny" ? Shape{512, 1024, 4, 6, 0.1}
                      : options.preset == "big"  ? Shape{1024, 8192, 16, 6, 0.1}
                                                 : Shape{512, 2048, 8, 6, 0.1};
  const auto fill = [](std::int64_t& field, std::int64_t value) {
    if (field == 0) field = value;
  };
  fill(options.hidden, shape.hidden);
  fill(options.feed_forward, shape.feed_forward);
  fill(options.heads, shape.heads);
  fill(options.encoder_layers, shape.layers);
  fill(options.decoder_layers, shape.layers);
  if (options.dropout < 0.0) options.dropout = shape.dropout;
  if (options.hidden % options.heads != 0) {
    throw UsageError(concat("model.heads = ", options.heads, " does not divide model.hidden = ", options.hidden));
  }
  return options;
}

nlohmann::json options_json(const DataOptions& options) { return to_json(options); }
nlohmann::json options_json(const ModelOptions& options) { return to_json(options); }
nlohmann::json options_json(const TrainOptions& options) { return to_json(options); }
nlohmann::json options_json(const GrowOptions& options) { return to_json(options); }
nlohmann::json options_json(const RewardOptions& options) { return to_json(options); }
nlohmann::json options_json(const ImproveOptions& options) { return to_json(options); }
nlohmann::json options_json(const EvaluateOptions& options) { return to_json(options); }

}  // namespace rest
