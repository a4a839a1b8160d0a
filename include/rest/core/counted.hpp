#pragma once

#include <cstdint>
#include <string>

namespace rest {

/// "1 rank", "4 ranks".
inline std::string counted(std::int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace rest
