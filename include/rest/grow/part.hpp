#pragma once

#include <cstdint>
#include <string>

namespace rest {

/// Shards first ... end-1.
struct ShardRange {
  std::int64_t first = 0, end = 0;
};

/// One of several jobs that share a Grow step without speaking to each other, as the tasks of a job array do: each owns
/// a fixed range of the shards, and all ranges together are all shards, each once.
struct GrowPart {
  std::int64_t index = 0;  ///< 0 ... count - 1
  std::int64_t count = 1;

  /// "2/8" is the third of eight. Throws UsageError.
  static GrowPart parse(const std::string& text);

  /// [index S / count, (index + 1) S / count), rounded down, of S shards; empty for some parts where count > S.
  ShardRange range(std::int64_t shards) const;
};

}  // namespace rest
