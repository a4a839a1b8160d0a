#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace rest {

/// Every suffix of a sequence cut to N symbols, sorted: equal n-grams of all orders up to N stand together. Symbols are
/// above 0; 0 fills up suffixes shorter than N.
template <std::size_t N>
using Suffixes = std::vector<std::array<std::uint32_t, N>>;

template <std::size_t N>
Suffixes<N> sorted_suffixes(const std::vector<std::uint32_t>& symbols) {
  Suffixes<N> suffixes(symbols.size());
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    std::copy_n(symbols.begin() + static_cast<std::ptrdiff_t>(i), std::min(N, symbols.size() - i), suffixes[i].begin());
  }
  std::sort(suffixes.begin(), suffixes.end());
  return suffixes;
}

/// The n-grams of `order` in a sequence of `length` symbols.
inline std::int64_t ngram_count(std::size_t length, std::size_t order) {
  return length < order ? 0 : static_cast<std::int64_t>(length - order + 1);
}

/// N-grams of `order` that two sequences share: over distinct ones, the smaller of the two counts.
template <std::size_t N>
std::int64_t shared_ngrams(const Suffixes<N>& a, const Suffixes<N>& b, std::size_t order) {
  const auto size = static_cast<std::ptrdiff_t>(order);
  std::int64_t shared = 0;
  // Walking both sorted lists pairs the k-th occurrence here with the k-th there, which is the smaller count.
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
    const auto [at_x, at_y] = std::mismatch(x->begin(), x->begin() + size, y->begin());
    if (at_x == x->begin() + size) {
      shared += (*x)[order - 1] != 0 ? 1 : 0;
      ++x, ++y;
    } else if (*at_x < *at_y) {
      ++x;
    } else {
      ++y;
    }
  }
  return shared;
}

}  // namespace rest
