#pragma once

#include <filesystem>
#include <string>

namespace rest {

/// Where lines go: standard error always, and a file when given (appended). Ranks above 0 log warnings and errors only.
/// No formatting library in this header: build lines with concat() of core/error.hpp.
void configure_log(const std::string& program, int rank, const std::filesystem::path& file = {});

void log_info(const std::string& line);
void log_warning(const std::string& line);
void log_error(const std::string& line);

}  // namespace rest
