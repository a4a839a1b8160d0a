#include "rest/comm/version_text.hpp"

#include "rest/comm/build_info.hpp"

namespace rest {

std::string version_text(const std::string& program) {
  std::string text = program + "\n";
  const nlohmann::json info = build_info();
  for (const auto& [key, value] : info.items()) {
    text += "  " + key + ": " + (value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
  }
  return text;
}

}  // namespace rest
