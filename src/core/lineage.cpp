#include "rest/core/committed.hpp"

namespace rest {
namespace {

using nlohmann::json;

std::string shown(const json& value) { return value.is_null() ? "not set" : value.dump(); }

/// The first difference below `key`, depth first in the order of keys; "" when equal.
std::string difference_at(const std::string& key, const json& there, const json& asked) {
  if (there == asked) return "";
  if (!there.is_object() || !asked.is_object())
    return key + " is " + shown(there) + " there, " + shown(asked) + " asked for";
  json keys = there;
  keys.update(asked);
  for (const auto& item : keys.items()) {
    const std::string inner = key.empty() ? item.key() : key + "." + item.key();
    const std::string difference =
        difference_at(inner, there.value(item.key(), json()), asked.value(item.key(), json()));
    if (!difference.empty()) return difference;
  }
  return key + " has other keys there than asked for";  // one side names a key with null, the other does not have it
}

}  // namespace

Lineage make_lineage(const std::string& kind, json inputs, json options) {
  return {{"kind", kind},
          {"inputs", inputs.is_null() ? json::object() : std::move(inputs)},
          {"options", options.is_null() ? json::object() : std::move(options)}};
}

std::string lineage_difference(const Lineage& there, const Lineage& asked) { return difference_at("", there, asked); }

}  // namespace rest
