#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rest/core/span.hpp"

namespace rest {

/// The exact quantile of counted float32 values that come by twice, in constant memory (1 MiB): a radix histogram
/// over their bits in an order-preserving form, upper half first, then the lower half of those in the upper half's bin.
/// The q-quantile, 0 <= q < 1, is the smallest value such that more than a share q of all are at most that; q = 0: the
/// smallest of all.
class StreamingQuantile {
 public:
  explicit StreamingQuantile(double q);
  /// Values that occur `counts` times each; not NaN. Minus zero is zero.
  void add(Span<const float> values, Span<const std::uint32_t> counts);
  /// Adds what was added to a copy of this.
  void merge(const StreamingQuantile& copy);
  /// All values have been added once: they have to be added once more.
  void look_closer();
  /// The quantile, behind both passes; nothing when there was no value. Throws Error when the passes differ.
  std::optional<float> value() const;

 private:
  struct Place {
    std::uint32_t bin;
    std::uint64_t below;  ///< count of values in smaller bins
  };
  void add_lower(Span<const float> values, Span<const std::uint32_t> counts);
  Place place(std::uint64_t below) const;

  double q_;
  std::vector<std::uint64_t> bins_;
  std::uint64_t total_ = 0;
  std::optional<Place> upper_;  ///< of the first pass
  std::uint64_t upper_count_ = 0;
};

}  // namespace rest
