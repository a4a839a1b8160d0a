#pragma once

#include <string>
#include <string_view>

namespace rest {

constexpr char32_t invalid_code_point = 0xFFFFFFFF;

/// The code point at `position`, which moves behind it; invalid_code_point (one byte further) where there is none.
char32_t next_code_point(std::string_view bytes, std::size_t& position);

/// Code points of a text; invalid bytes become U+FFFD.
std::u32string to_code_points(std::string_view bytes);

std::string to_utf8(std::u32string_view text);

/// White space as Python's str.split() and str.strip() have it.
bool is_white_space(char32_t code_point);

}  // namespace rest
