#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace rest {

/// Translations with the scores that people gave them, higher is better, on whatever scale. Entry i of each list
/// belongs to line i + 1 of the file.
struct Ratings {
  std::vector<std::string> source, translation;
  std::vector<double> score;
  std::vector<std::string> reference;  ///< empty when the file has none

  std::size_t size() const { return source.size(); }
};

/// Reads lines "source TAB translation TAB score" or "... TAB score TAB reference", UTF-8, plain or .gz, no header.
/// Throws Error naming the file and line: another number of columns, a blank text, invalid UTF-8, a score that is not a
/// finite number; or when no line is there, or all scores are equal.
Ratings read_ratings(const std::filesystem::path& file);

}  // namespace rest
