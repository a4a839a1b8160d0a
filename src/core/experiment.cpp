#include "rest/core/experiment.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>

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

/// Where a value was given, for messages: "file:12" or "--set ...". Values of --set may be bare text: `text` is theirs.
struct Place {
  std::string words;
  std::optional<std::string> text = std::nullopt;
};

template <class T>
std::optional<T> read_value(const toml::node& node, const Place& place) {
  if constexpr (std::is_same_v<T, double>) {
    const std::optional<double> value = node.is_number() ? node.value<double>() : std::nullopt;
    return value && std::isfinite(*value) ? value : std::nullopt;
  } else if constexpr (std::is_same_v<T, std::vector<double>> || std::is_same_v<T, std::vector<std::string>>) {
    const auto* array = node.as_array();
    if (array == nullptr) return std::nullopt;
    T values;
    for (const auto& element : *array) {
      const auto value = read_value<typename T::value_type>(element, {place.words});
      if (!value) return std::nullopt;
      values.push_back(*value);
    }
    return values;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return node.is_string() ? node.value_exact<std::string>() : place.text;
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
  if constexpr (std::is_same_v<T, std::vector<std::string>>) return "a list of texts in quotes";
  return "a list of finite numbers";
}

void require_section(Experiment& experiment, const std::string& section, const Place& place) {
  std::vector<std::string> known;
  sections(experiment, [&](const char* name, auto&) { known.emplace_back(name); });
  if (std::find(known.begin(), known.end(), section) != known.end()) return;
  throw UsageError(place.words + ": unknown section [" + section + "]", "",
                   "did you mean [" + nearest(section, known) + "]?");
}

template <class Field>
void set_field(Field& field, const std::string& name, const Rule<Field>& rule, const toml::node& node,
               const Place& place) {
  const auto value = read_value<Field>(node, place);
  if (!value) throw UsageError(place.words + ": " + name + " must be " + type_words<Field>());
  if (!rule.allows(*value)) throw UsageError(place.words + ": " + name + " must be " + rule.words);
  field = *value;
}

void apply(Experiment& experiment, const std::string& section, const std::string& key, const toml::node& node,
           const Place& place) {
  require_section(experiment, section, place);
  std::vector<std::string> known;
  sections(experiment, [&](const char* name, auto& options) {
    if (name != section) return;
    fields(options, [&](const char* known_key, auto& field, const char*, const auto& rule) {
      known.emplace_back(known_key);
      if (known_key == key) set_field(field, section + "." + key, rule, node, place);
    });
  });
  if (std::find(known.begin(), known.end(), key) != known.end()) return;
  throw UsageError(place.words + ": unknown key " + section + "." + key, "",
                   "did you mean " + section + "." + nearest(key, known) + "?");
}

toml::table parse_file(const fs::path& file) {
  std::error_code ignored;
  std::ifstream in(file);
  if (!in || fs::is_directory(file, ignored)) {
    throw UsageError("experiment file " + file.string() + " cannot be read", "", "check the path");
  }
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  try {
    return toml::parse(text, file.string());
  } catch (const toml::parse_error& problem) {
    throw UsageError(concat(file.string(), ":", problem.source().begin.line, ": ", problem.description()));
  }
}

void apply_file(Experiment& experiment, const fs::path& file) {
  const auto place_of = [&](const toml::node& node) {
    return Place{concat(file.string(), ":", node.source().begin.line)};
  };
  const toml::table table = parse_file(file);
  for (const auto& [name, content] : table) {
    const std::string section(name.str());
    if (!content.is_table()) {
      throw UsageError(
          place_of(content).words + ": " + section + " stands outside a section", "",
          "put it under one of [data] [model] [train] [grow] [reward] [reward_model] [improve] [evaluate]");
    }
    require_section(experiment, section, place_of(content));
    for (const auto& [key, value] : *content.as_table()) {
      apply(experiment, section, std::string(key.str()), value, place_of(value));
    }
  }
}

/// Data paths are relative to the experiment file.
void resolve_paths(Experiment& experiment, const fs::path& folder) {
  DataOptions& data = experiment.data;
  const auto resolve = [&](std::string& path) {
    if (!path.empty() && fs::path(path).is_relative()) path = (folder / path).lexically_normal().string();
  };
  for (std::string* path :
       {&data.train_source, &data.train_target, &data.valid_source, &data.valid_target, &data.test_source,
        &data.test_target, &data.monolingual_source, &data.tokenizer, &experiment.train.initial_policy}) {
    resolve(*path);
  }
  for (std::string& path : experiment.reward_model.ratings) resolve(path);
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

void apply_override(Experiment& experiment, const std::string& text) {
  const auto equals = text.find('='), dot = text.find('.');
  if (equals == std::string::npos || dot == std::string::npos || dot > equals) {
    throw UsageError("--set " + text + " is no section.key=value", "", "write as in --set grow.samples=25");
  }
  const std::string value = trimmed(text.substr(equals + 1));
  toml::table table;
  try {
    table = toml::parse("value = " + value);
  } catch (const toml::parse_error&) {
    table.insert_or_assign("value", value);  // a bare word is text
  }
  const Place place{"--set " + text, value};
  if (table.size() != 1) throw UsageError(place.words + " is no single value");
  apply(experiment, trimmed(text.substr(0, dot)), trimmed(text.substr(dot + 1, equals - dot - 1)), *table.get("value"),
        place);
}

/// `key`: "reward.name" or "reward.watch"; `given`: what else says how it is computed.
void require_new_name(const std::string& key, const std::string& name, const char* given) {
  const auto& known = built_in_rewards;
  if (std::find(std::begin(known), std::end(known), name) == std::end(known)) return;
  throw UsageError(concat(key, " is \"", name, "\", which is built in, and ", given, " is given for it"), "",
                   "give what that computes a name of its own");
}

/// Whether a name without more is known can only be said where the run is.
void require_rewards(const Experiment& experiment) {
  const RewardOptions& reward = experiment.reward;
  if (!reward.command.empty()) require_new_name("reward.name", reward.name, "a command");
  if (!reward.of.empty()) require_new_name("reward.name", reward.name, "a list of others");
  if (!reward.watch_command.empty()) require_new_name("reward.watch", reward.watch, "a command");
  if (!reward.of.empty() && !reward.command.empty()) {
    throw UsageError("both reward.command and reward.of are given", "", "a reward is computed in one way");
  }
  if (std::find(reward.of.begin(), reward.of.end(), reward.name) != reward.of.end()) {
    throw UsageError("reward.of names \"" + reward.name + "\", the reward itself");
  }
  if (!reward.weights.empty()) {
    if (reward.weights.size() != reward.of.size() || reward.combine != "mean") {
      throw UsageError("reward.weights are for the rewards that reward.of names, one each, combined by \"mean\"");
    }
    if (std::all_of(reward.weights.begin(), reward.weights.end(), [](double w) { return w == 0.0; })) {
      throw UsageError("reward.weights are all 0");
    }
  }
  if (reward.watch.empty() && (!reward.watch_command.empty() || experiment.improve.stop_when_parted)) {
    throw UsageError(
        !reward.watch_command.empty() ? "reward.watch_command is given" : "improve.stop_when_parted is true",
        "no reward is watched", "name it by reward.watch");
  }
  if (reward.watch == reward.name) {
    throw UsageError("reward.watch is reward.name", "", "watch another reward than the one that is optimised");
  }
}

void require_reward_model(const RewardModelOptions& options) {
  if (options.fold < options.folds) return;
  throw UsageError(concat("reward_model.fold = ", options.fold, " must be below reward_model.folds = ", options.folds));
}

}  // namespace

Experiment load_experiment(const fs::path& file, const std::vector<std::string>& overrides) {
  Experiment experiment;
  apply_file(experiment, file);
  resolve_paths(experiment, file.parent_path());
  // Paths given by --set are relative to where the user stands, as on any command line.
  for (const std::string& text : overrides) apply_override(experiment, text);
  // Their errors belong here, not in the middle of a run.
  resolve_preset(experiment.model);
  require_thresholds(experiment.improve.filter, experiment.improve.thresholds);
  require_rewards(experiment);
  require_reward_model(experiment.reward_model);
  return experiment;
}

ModelOptions resolve_preset(ModelOptions options) {
  struct Shape {
    std::int64_t hidden, feed_forward, heads, layers;
    double dropout;
  };
  const std::map<std::string, Shape> shapes = {{"mini", {128, 256, 4, 4, 0.3}},
                                               {"tiny", {512, 1024, 4, 6, 0.1}},
                                               {"base", {512, 2048, 8, 6, 0.1}},
                                               {"big", {1024, 8192, 16, 6, 0.1}}};
  const auto found = shapes.find(options.preset);
  if (found == shapes.end()) {
    throw UsageError("model.preset = \"" + options.preset + "\" is unknown", "",
                     std::string("it must be ") + preset_rule.words);
  }
  const Shape& shape = found->second;
  const auto fill = [](std::int64_t& field, std::int64_t value) {
    if (field == 0) field = value;
  };
  fill(options.hidden, shape.hidden);
  fill(options.feed_forward, shape.feed_forward);
  fill(options.heads, shape.heads);
  fill(options.encoder_layers, shape.layers);
  fill(options.decoder_layers, shape.layers);
  if (options.dropout < 0.0) options.dropout = shape.dropout;
  if (options.heads < 1 || options.hidden % options.heads != 0) {
    throw UsageError(concat("model.heads = ", options.heads, " does not divide model.hidden = ", options.hidden));
  }
  return options;
}

}  // namespace rest
