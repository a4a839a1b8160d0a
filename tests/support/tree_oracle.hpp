#pragma once

#include <cstdint>
#include <random>
#include <vector>

namespace rest {

/// The sum over leaves [first, first + leaves) as the definition reads: split at the largest power of two below.
template <class T>
std::vector<T> tree_sum(const std::vector<std::vector<T>>& values, std::size_t first, std::size_t leaves) {
  if (leaves == 1) return values[first];
  std::size_t left = 1;
  while (left * 2 < leaves) left *= 2;
  std::vector<T> sum = tree_sum(values, first, left);
  const std::vector<T> right = tree_sum(values, first + left, leaves - left);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = sum[i] + right[i];
  return sum;
}

/// Values of very different sizes, so that another order of adding shows.
template <class T>
std::vector<std::vector<T>> random_leaves(std::size_t leaves, std::size_t elements, std::uint32_t seed) {
  std::mt19937_64 generator(seed);
  std::vector<std::vector<T>> values(leaves, std::vector<T>(elements));
  for (auto& leaf : values) {
    for (T& value : leaf) {
      const std::uint64_t bits = generator();
      const auto scale = static_cast<T>(std::uint64_t{1} << (bits & 15));
      value = static_cast<T>(static_cast<std::int64_t>(bits >> 4) - (std::int64_t{1} << 59)) / scale;
    }
  }
  return values;
}

}  // namespace rest
