#pragma once

#include <cstdint>

namespace rest {

/// Where the keys [heads, head_dim, padded] and values [heads, padded, head_dim] of a row's source lie in the memory of
/// the device; `length` positions count. Addresses, since the sources of a step lie in several tensors.
struct SourcePlace {
  std::int64_t keys, values, length, padded;
  static constexpr std::int64_t fields = 4;
};

}  // namespace rest
