#pragma once

#include <algorithm>
#include <cstddef>

namespace rest {

/// A flat buffer cut into buckets that are dealt out to the ranks in turn: what a rank reduces, and where the optimizer
/// is sharded what it updates.
class Buckets {
 public:
  /// Small enough that what one rank adds up stays in its cache; a multiple of the 4,096 of GradientSum.
  static constexpr std::size_t size = std::size_t{1} << 16;

  Buckets(std::size_t elements, int ranks) : elements_(elements), ranks_(static_cast<std::size_t>(ranks)) {}

  std::size_t elements() const { return elements_; }
  std::size_t count() const { return (elements_ + size - 1) / size; }
  std::size_t first(std::size_t bucket) const { return bucket * size; }
  std::size_t size_of(std::size_t bucket) const { return std::min(size, elements_ - first(bucket)); }
  int owner(std::size_t bucket) const { return static_cast<int>(bucket % ranks_); }
  /// Calls visit(first element, elements) for each of the rank's buckets, ascending.
  template <class Visit>
  void for_each_of(int rank, Visit visit) const {
    for (auto bucket = static_cast<std::size_t>(rank); bucket < count(); bucket += ranks_)
      visit(first(bucket), size_of(bucket));
  }
  std::size_t elements_of(int rank) const {
    std::size_t sum = 0;
    for_each_of(rank, [&](std::size_t, std::size_t elements) { sum += elements; });
    return sum;
  }

 private:
  std::size_t elements_, ranks_;
};

}  // namespace rest
