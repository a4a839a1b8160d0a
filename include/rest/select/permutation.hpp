#pragma once

#include <cstdint>

#include "rest/core/philox.hpp"

namespace rest {

/// A keyed permutation of 0..size-1 in constant memory (Feistel network with cycle walking): position i of an epoch's
/// shuffle without storing it.
class Permutation {
 public:
  Permutation(std::uint64_t size, const Philox& key);
  std::uint64_t operator()(std::uint64_t i) const;
  std::uint64_t size() const { return size_; }

 private:
  std::uint64_t size_, half_mask_;
  unsigned half_bits_;
  Philox key_;
};

}  // namespace rest
