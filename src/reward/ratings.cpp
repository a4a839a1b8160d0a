#include "rest/reward/ratings.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "rest/core/error.hpp"
#include "rest/text/bitext.hpp"

namespace rest {
namespace {

constexpr const char* wanted = "lines are: source TAB translation TAB score, or with TAB reference behind; no header";

std::vector<std::string> columns_of(const std::string& line) {
  std::vector<std::string> columns;
  std::size_t first = 0;
  for (std::size_t tab; (tab = line.find('\t', first)) != std::string::npos; first = tab + 1) {
    columns.push_back(line.substr(first, tab - first));
  }
  columns.push_back(line.substr(first));
  return columns;
}

double number_of(const std::string& text, const std::string& where) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(value)) {
    throw Error(where + ": the score \"" + text + "\" is not a finite number", "", wanted);
  }
  return value;
}

}  // namespace

Ratings read_ratings(const std::filesystem::path& file) {
  Ratings ratings;
  std::size_t expected = 0;  // columns, as the first line has them
  const std::vector<std::string> lines = read_lines(file);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string where = concat(file.string(), ":", i + 1);
    if (!is_valid_utf8(lines[i])) throw Error(where + " is not valid UTF-8", "", "convert the file");
    if (is_blank(lines[i])) throw Error(where + " is blank", "", wanted);
    const std::vector<std::string> columns = columns_of(lines[i]);
    if (expected == 0) expected = columns.size();
    if ((columns.size() != 3 && columns.size() != 4) || columns.size() != expected) {
      throw Error(concat(where, " has ", columns.size(), " columns, not ", i == 0 ? "3 or 4" : concat(expected)), "",
                  wanted);
    }
    for (const std::size_t text : {0u, 1u, 3u}) {
      if (text < columns.size() && is_blank(columns[text])) {
        throw Error(concat(where, ": column ", text + 1, " is blank"), "", "drop the line");
      }
    }
    ratings.source.push_back(columns[0]);
    ratings.translation.push_back(columns[1]);
    ratings.score.push_back(number_of(columns[2], where));
    if (columns.size() == 4) ratings.reference.push_back(columns[3]);
  }
  if (ratings.size() == 0) throw Error(file.string() + " has no lines", "", wanted);
  const auto [low, high] = std::minmax_element(ratings.score.begin(), ratings.score.end());
  if (*low == *high) {
    throw Error(concat("all ", ratings.size(), " scores in ", file.string(), " are ", *low),
                "there is nothing to tell");
  }
  return ratings;
}

}  // namespace rest
