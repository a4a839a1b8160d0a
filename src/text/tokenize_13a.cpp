#include "rest/text/metrics.hpp"
#include "utf8.hpp"

namespace rest {
namespace {

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_point(char32_t c) { return c == U'.' || c == U','; }

// ASCII punctuation but ' , - . and with white space, as sacreBLEU's first pattern has it.
bool is_split_off(char32_t c) {
  return (c >= U'{' && c <= U'~') || (c >= U'[' && c <= U'`') || (c >= U' ' && c <= U'&') || (c >= U'(' && c <= U'+') ||
         (c >= U':' && c <= U'@') || c == U'/';
}

void replace_all(std::string& text, const std::string& what, const std::string& by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
}

// Puts a space where `space(first, second)` asks for one, for pairs of neighbours taken from left to right. As with
// a regular expression, both characters of a pair that matched are used up.
enum class Space { none, around_second, around_first };
template <class Rule>
std::u32string space_pairs(const std::u32string& text, Rule rule) {
  std::u32string spaced;
  spaced.reserve(text.size() + 16);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const Space space = i + 1 < text.size() ? rule(text[i], text[i + 1]) : Space::none;
    switch (space) {
      case Space::none:
        spaced += text[i];
        continue;
      case Space::around_second:
        spaced += {text[i], U' ', text[i + 1], U' '};
        break;
      case Space::around_first:
        spaced += {U' ', text[i], U' ', text[i + 1]};
        break;
    }
    ++i;
  }
  return spaced;
}

std::u32string split_off_punctuation(const std::u32string& text) {
  std::u32string spaced;
  spaced.reserve(2 * text.size());
  for (const char32_t c : text) {
    if (is_split_off(c)) {
      spaced += {U' ', c, U' '};
    } else {
      spaced += c;
    }
  }
  return spaced;
}

std::u32string without_trailing_white_space(std::u32string text) {
  while (!text.empty() && is_white_space(text.back())) text.pop_back();
  return text;
}

}  // namespace

std::vector<std::string> tokenize_13a(const std::string& line) {
  std::string bytes = to_utf8(without_trailing_white_space(to_code_points(line)));
  replace_all(bytes, "<skipped>", "");
  replace_all(bytes, "-\n", "");
  replace_all(bytes, "\n", " ");
  replace_all(bytes, "&quot;", "\"");
  replace_all(bytes, "&amp;", "&");
  replace_all(bytes, "&lt;", "<");
  replace_all(bytes, "&gt;", ">");
  std::u32string text = split_off_punctuation(U" " + to_code_points(bytes) + U" ");
  text = space_pairs(
      text, [](char32_t a, char32_t b) { return !is_digit(a) && is_point(b) ? Space::around_second : Space::none; });
  text = space_pairs(
      text, [](char32_t a, char32_t b) { return is_point(a) && !is_digit(b) ? Space::around_first : Space::none; });
  text = space_pairs(
      text, [](char32_t a, char32_t b) { return is_digit(a) && b == U'-' ? Space::around_second : Space::none; });
  std::vector<std::string> tokens;
  std::u32string token;
  for (const char32_t c : text + U' ') {
    if (!is_white_space(c)) {
      token += c;
    } else if (!token.empty()) {
      tokens.push_back(to_utf8(token));
      token.clear();
    }
  }
  return tokens;
}

}  // namespace rest
