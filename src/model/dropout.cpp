#include "rest/model/dropout.hpp"

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <cmath>

#include "rest/core/philox.hpp"

namespace rest {
namespace {

constexpr std::int64_t lanes = 16;     // Philox blocks computed side by side, so that the compiler vectorises them
constexpr std::int64_t per_block = 8;  // 16-bit uniforms in a Philox block

/// keep[0, features): 1 where the 16-bit uniform of that feature is at least `cut`. One row: an example's position.
__attribute__((target_clones("avx512f", "avx2", "default"))) void fill_row(std::uint64_t key, std::uint64_t example,
                                                                           std::uint32_t position, std::uint32_t cut,
                                                                           std::int64_t features, float scale,
                                                                           float* out) {
  for (std::int64_t start = 0; start < features; start += lanes * per_block) {
    std::uint32_t c0[lanes], c1[lanes], c2[lanes], c3[lanes];
    for (std::int64_t i = 0; i < lanes; ++i) {
      c0[i] = static_cast<std::uint32_t>(example);
      c1[i] = static_cast<std::uint32_t>(example >> 32);
      c2[i] = position;
      c3[i] = static_cast<std::uint32_t>(start / per_block + i);
    }
    std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {  // Philox4x32-10, as core/philox.hpp
      for (std::int64_t i = 0; i < lanes; ++i) {
        const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0[i], p1 = std::uint64_t{0xCD9E8D57u} * c2[i];
        const auto n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1[i] ^ k0;
        const auto n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3[i] ^ k1;
        c1[i] = static_cast<std::uint32_t>(p1), c3[i] = static_cast<std::uint32_t>(p0);
        c0[i] = n0, c2[i] = n2;
      }
      k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    // Feature start + j * lanes + i takes half-word j of block i.
    const std::uint32_t* const words[4] = {c0, c1, c2, c3};
    for (std::int64_t j = 0; j < per_block; ++j) {
      const std::int64_t base = start + j * lanes;
      const std::int64_t count = std::min(lanes, features - base);
      const std::uint32_t shift = j % 2 ? 16 : 0;
      const std::uint32_t* const word = words[j / 2];
      if (count == lanes) {
        for (std::int64_t i = 0; i < lanes; ++i) out[base + i] = ((word[i] >> shift) & 0xFFFFu) >= cut ? scale : 0.0f;
      } else {
        for (std::int64_t i = 0; i < count; ++i) out[base + i] = ((word[i] >> shift) & 0xFFFFu) >= cut ? scale : 0.0f;
      }
    }
  }
}

}  // namespace

Dropout::Dropout(double probability, std::uint64_t seed, std::uint64_t update, std::vector<std::uint64_t> examples)
    : probability_(probability), seed_(seed), update_(update), examples_(std::move(examples)) {}

torch::Tensor Dropout::operator()(const torch::Tensor& x) {
  if (probability_ <= 0.0) return x;
  const Philox key(Purpose::dropout, seed_, update_, site_++);
  const auto cut = static_cast<std::uint32_t>(std::lround(probability_ * 65536.0));
  const float scale = 65536.0f / static_cast<float>(65536 - cut);
  const std::int64_t length = x.size(1), features = x.size(2);
  torch::Tensor mask = torch::empty({x.size(0), length, features}, torch::kFloat32);
  float* const values = mask.data_ptr<float>();
  at::parallel_for(0, x.size(0) * length, 64, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      fill_row(key.key(), examples_[static_cast<std::size_t>(row / length)], static_cast<std::uint32_t>(row % length),
               cut, features, scale, values + row * features);
    }
  });
  return x * mask.to(x.scalar_type());
}

}  // namespace rest
