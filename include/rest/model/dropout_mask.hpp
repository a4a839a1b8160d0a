#pragma once

#include <cstdint>

#include "rest/core/philox.hpp"

namespace rest {

/// What a dropout mask is made of, for CPU and GPU alike (constexpr functions that nvcc also compiles for the device).
/// Each feature of a row, a position of an example, has a 16-bit uniform and is kept when that is at least `cut`.
struct DropoutMask {
  std::uint32_t cut;  ///< probability * 65536
  float scale;        ///< of what is kept
  std::int64_t features;

  static constexpr std::int64_t lanes = 16;     ///< Philox blocks side by side, so that a CPU vectorises them
  static constexpr std::int64_t per_block = 8;  ///< 16-bit uniforms in a Philox block

  /// Of a row: those that the last features need and their neighbours.
  constexpr std::int64_t blocks() const { return (features + lanes * per_block - 1) / (lanes * per_block) * lanes; }

  /// The entries of the row `out` [features] that Philox block `block` decides: half-word j stands for every 16th
  /// feature's j-th turn, feature 128 * (block / 16) + 16 * j + block % 16.
  constexpr void fill_block(const Philox& key, std::uint64_t example, std::uint32_t position, std::int64_t block,
                            float* out) const {
    const Philox::Block words = key(static_cast<std::uint32_t>(example), static_cast<std::uint32_t>(example >> 32),
                                    position, static_cast<std::uint32_t>(block));
    const std::int64_t first = block / lanes * (lanes * per_block) + block % lanes;
    for (std::int64_t j = 0; j < per_block && first + j * lanes < features; ++j) {
      const std::uint32_t uniform = (words[static_cast<std::size_t>(j / 2)] >> (j % 2 ? 16 : 0)) & 0xFFFFu;
      out[first + j * lanes] = uniform >= cut ? scale : 0.0f;
    }
  }
};

}  // namespace rest
