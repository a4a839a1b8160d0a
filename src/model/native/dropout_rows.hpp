#pragma once

#include <cstdint>
#include <optional>

#include "rest/core/philox.hpp"
#include "rest/model/dropout.hpp"

namespace rest {

/// The mask of a site row by row, for loops that apply it in passing.
struct DropoutRows {
  Philox key;
  const std::int64_t *ids, *positions;  // [rows]
  std::int64_t features;
  std::uint32_t cut;  ///< DropoutMask::cut
  float scale;

  /// out [features]
  void fill(std::int64_t row, float* out) const;
};

/// Nothing for a site that drops nothing; the site must outlive them.
std::optional<DropoutRows> dropout_rows(const DropoutSite& site, std::int64_t features);

}  // namespace rest
