#include "rest/select/permutation.hpp"

namespace rest {
namespace {

constexpr std::uint32_t rounds = 6;  // four make a Feistel network a pseudorandom permutation; small domains like more

// Half of the bits of the smallest domain 2^(2h) that holds `size` positions; at least 1.
unsigned half_bits_for(std::uint64_t size) {
  unsigned bits = 0;
  for (std::uint64_t last = size == 0 ? 0 : size - 1; last != 0; last >>= 1) ++bits;
  return bits < 2 ? 1 : (bits + 1) / 2;
}

}  // namespace

Permutation::Permutation(std::uint64_t size, const Philox& key)
    : size_(size),
      half_mask_((std::uint64_t{1} << half_bits_for(size)) - 1),
      half_bits_(half_bits_for(size)),
      key_(key) {}

std::uint64_t Permutation::operator()(std::uint64_t i) const {
  // The network permutes a domain below 4 * size (or of 4 positions); positions outside walk on until they fall inside.
  do {
    std::uint64_t left = i >> half_bits_, right = i & half_mask_;
    for (std::uint32_t round = 0; round < rounds; ++round) {
      const std::uint64_t mixed = left ^ (key_(static_cast<std::uint32_t>(right), round)[0] & half_mask_);
      left = right;
      right = mixed;
    }
    i = (left << half_bits_) | right;
  } while (i >= size_);
  return i;
}

}  // namespace rest
