#include "rest/grow/part.hpp"

#include <charconv>

#include "rest/core/error.hpp"

namespace rest {
namespace {

/// Bounds index * shards, which is computed in 64 bits.
constexpr std::int64_t most_parts = 1'000'000;

/// The whole text as a number, or -1.
std::int64_t number(const std::string& text) {
  std::int64_t value = -1;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end ? value : -1;
}

}  // namespace

GrowPart GrowPart::parse(const std::string& text) {
  const std::size_t slash = text.find('/');
  GrowPart part{number(text.substr(0, slash)), slash == std::string::npos ? -1 : number(text.substr(slash + 1))};
  if (part.count < 1 || part.count > most_parts || part.index < 0 || part.index >= part.count) {
    throw UsageError(concat("--part ", text, " is none"), concat("it is I/N, 0 <= I < N <= ", most_parts),
                     "the parts of 4 are 0/4, 1/4, 2/4 and 3/4");
  }
  return part;
}

ShardRange GrowPart::range(std::int64_t shards) const { return {index * shards / count, (index + 1) * shards / count}; }

}  // namespace rest
