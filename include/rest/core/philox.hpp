#pragma once

#include <array>
#include <cstdint>

namespace rest {

/// What a stream of random numbers is for. The numbers are part of what makes a result: never renumber.
enum class Purpose : std::uint32_t {
  initialise = 1,
  dropout = 2,
  shuffle = 3,
  sample = 4,
  bootstrap = 5,
  split = 6,
  perturbation = 7
};

/// 64-bit mixing (splitmix64 finaliser), for folding several integers into a key.
constexpr std::uint64_t mix64(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a pure function from key and
/// counter to 128 random bits, so that a draw depends on what it is for and never on who makes it or when.
class Philox {
 public:
  using Block = std::array<std::uint32_t, 4>;

  /// Key of (purpose, seed, a, b); a and b are whatever distinguishes streams, e.g. Grow step or update and site.
  constexpr Philox(Purpose purpose, std::uint64_t seed, std::uint64_t a = 0, std::uint64_t b = 0)
      : key_(mix64(mix64(mix64(mix64(static_cast<std::uint64_t>(purpose)) ^ seed) ^ a) ^ b)) {}

  constexpr Block operator()(std::uint32_t c0, std::uint32_t c1 = 0, std::uint32_t c2 = 0, std::uint32_t c3 = 0) const {
    std::uint32_t k0 = static_cast<std::uint32_t>(key_), k1 = static_cast<std::uint32_t>(key_ >> 32);
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0, p1 = std::uint64_t{0xCD9E8D57u} * c2;
      const auto n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0,
                 n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c1 = static_cast<std::uint32_t>(p1), c3 = static_cast<std::uint32_t>(p0);
      c0 = n0, c2 = n2;
      k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    return {c0, c1, c2, c3};
  }

  constexpr std::uint64_t bits64(std::uint32_t c0, std::uint32_t c1 = 0, std::uint32_t c2 = 0,
                                 std::uint32_t c3 = 0) const {
    const Block b = (*this)(c0, c1, c2, c3);
    return (std::uint64_t{b[1]} << 32) | b[0];
  }

  /// Uniform in [0, 1) with 53 bits.
  constexpr double uniform(std::uint32_t c0, std::uint32_t c1 = 0, std::uint32_t c2 = 0, std::uint32_t c3 = 0) const {
    return static_cast<double>(bits64(c0, c1, c2, c3) >> 11) * 0x1.0p-53;
  }

  constexpr std::uint64_t key() const { return key_; }

 private:
  std::uint64_t key_;
};

}  // namespace rest
