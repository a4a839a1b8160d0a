#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "utf8.hpp"

namespace rest {

constexpr std::size_t chrf_orders = 6;

/// What chrF counts n-grams of: code points but white space; one is added, as 0 is no symbol.
inline std::vector<std::uint32_t> chrf_characters(const std::string& text) {
  std::vector<std::uint32_t> symbols;
  for (const char32_t c : to_code_points(text)) {
    if (!is_white_space(c)) symbols.push_back(static_cast<std::uint32_t>(c) + 1);
  }
  return symbols;
}

}  // namespace rest
