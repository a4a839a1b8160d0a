#pragma once

#include <string>

namespace rest {

/// What --version prints: the program and, a line each, build_info().
std::string version_text(const std::string& program);

}  // namespace rest
