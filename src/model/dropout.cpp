#include "rest/model/dropout.hpp"

#include <ATen/Parallel.h>
#include <torch/library.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "rest/model/dropout_mask.hpp"

namespace rest {
namespace {

constexpr std::int64_t lanes = DropoutMask::lanes, per_block = DropoutMask::per_block;

/// A row of the mask, as DropoutMask::fill_block() defines it, 16 Philox blocks at a time.
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

torch::Tensor dropout_mask(const torch::Tensor& examples, std::int64_t seed, std::int64_t update, std::int64_t site,
                           std::int64_t length, std::int64_t features, std::int64_t cut, double scale) {
  const Philox key(Purpose::dropout, static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(update),
                   static_cast<std::uint64_t>(site));
  const auto* const ids = examples.data_ptr<std::int64_t>();
  torch::Tensor mask = torch::empty({examples.size(0), length, features}, torch::kFloat32);
  float* const values = mask.data_ptr<float>();
  at::parallel_for(0, examples.size(0) * length, 64, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) {
      fill_row(key.key(), static_cast<std::uint64_t>(ids[row / length]), static_cast<std::uint32_t>(row % length),
               static_cast<std::uint32_t>(cut), features, static_cast<float>(scale), values + row * features);
    }
  });
  return mask;
}

// LibTorch's dispatcher picks the implementation by the device of `examples`; that for CUDA is in src/model/cuda.
TORCH_LIBRARY(rest, library) {
  library.def(
      "dropout_mask(Tensor examples, int seed, int update, int site, int length, int features, int cut, float scale) "
      "-> Tensor");
}
TORCH_LIBRARY_IMPL(rest, CPU, library) { library.impl("dropout_mask", &dropout_mask); }

}  // namespace

Dropout::Dropout(double probability, std::uint64_t seed, std::uint64_t update, std::vector<std::uint64_t> examples)
    : probability_(probability), seed_(seed), update_(update), examples_(std::move(examples)) {}

torch::Tensor Dropout::operator()(const torch::Tensor& x) {
  if (probability_ <= 0.0) return x;
  if (!examples_on_device_.defined() || examples_on_device_.device() != x.device()) {
    examples_on_device_ = torch::empty({static_cast<std::int64_t>(examples_.size())}, torch::kInt64);
    std::copy(examples_.begin(), examples_.end(), examples_on_device_.data_ptr<std::int64_t>());
    examples_on_device_ = examples_on_device_.to(x.device());
  }
  const std::int64_t cut = std::lround(probability_ * 65536.0);
  const double scale = static_cast<double>(65536.0f / static_cast<float>(65536 - cut));
  static const auto mask =
      c10::Dispatcher::singleton().findSchemaOrThrow("rest::dropout_mask", "").typed<decltype(dropout_mask)>();
  return x * mask.call(examples_on_device_, static_cast<std::int64_t>(seed_), static_cast<std::int64_t>(update_),
                       static_cast<std::int64_t>(site_++), x.size(1), x.size(2), cut, scale)
                 .to(x.scalar_type());
}

}  // namespace rest
