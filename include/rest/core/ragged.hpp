#pragma once

#include <cstdint>
#include <vector>

#include "rest/core/span.hpp"

namespace rest {

/// Rows of unequal length, stored flat: row i is values[offsets[i], offsets[i + 1]).
template <class T>
struct Ragged {
  std::vector<T> values;
  std::vector<std::uint64_t> offsets{0};  // size() + 1 entries

  std::size_t size() const { return offsets.size() - 1; }
  std::size_t length(std::size_t i) const { return static_cast<std::size_t>(offsets[i + 1] - offsets[i]); }
  Span<const T> operator[](std::size_t i) const { return {values.data() + offsets[i], length(i)}; }
  void push_back(Span<const T> row) {
    values.insert(values.end(), row.begin(), row.end());
    offsets.push_back(values.size());
  }
};

using Token = std::uint32_t;

}  // namespace rest
