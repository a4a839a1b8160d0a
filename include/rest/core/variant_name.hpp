#pragma once

#include <string>

namespace rest {

/// What users name becomes part of file names: letters, digits, and ".", "_", "-" behind the first character.
bool is_file_name(const std::string& name);
constexpr const char* file_name_words = "letters, digits, and \".\", \"_\", \"-\" behind the first of them";

/// `what`: of what it is the name. Throws UsageError unless it is_file_name().
void require_name(const std::string& what, const std::string& name);

}  // namespace rest
