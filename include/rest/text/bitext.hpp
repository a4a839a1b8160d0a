#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace rest {

/// Lines of a UTF-8 text file, plain or .gz, without line ends (CR LF accepted) and byte order mark. Throws Error
/// naming the file: unreadable, damaged gzip. UTF-8 is checked by the caller.
std::vector<std::string> read_lines(const std::filesystem::path& file);

/// Valid UTF-8 (no surrogates, no overlong forms)?
bool is_valid_utf8(const std::string& bytes);

/// Nothing but white space?
bool is_blank(const std::string& text);

/// Sentence pairs whose sides are both there. Lines with a blank side or with invalid UTF-8 are dropped and counted.
struct Bitext {
  std::vector<std::string> source, target;                ///< target is empty when monolingual
  std::vector<std::uint64_t> line;                        ///< 1-based line each pair came from
  std::vector<std::uint64_t> empty_lines, invalid_lines;  ///< lines dropped, by number
};
/// Throws Error when the files have unequal line counts, naming both counts and the files.
Bitext read_bitext(const std::filesystem::path& source, const std::filesystem::path& target);
Bitext read_monolingual(const std::filesystem::path& source);

}  // namespace rest
