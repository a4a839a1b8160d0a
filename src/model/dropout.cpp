#include "rest/model/dropout.hpp"

#include <ATen/Parallel.h>
#include <torch/library.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "native/dropout_rows.hpp"
#include "rest/model/dropout_mask.hpp"

namespace rest {
namespace {

constexpr std::int64_t lanes = DropoutMask::lanes, per_block = DropoutMask::per_block;

std::int64_t cut_of(const DropoutSite& site) { return std::lround(site.probability * 65536.0); }
double scale_of(const DropoutSite& site) {
  return static_cast<double>(65536.0f / static_cast<float>(65536 - cut_of(site)));
}

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

Philox key_of(std::int64_t seed, std::int64_t update, std::int64_t site) {
  return Philox(Purpose::dropout, static_cast<std::uint64_t>(seed), static_cast<std::uint64_t>(update),
                static_cast<std::uint64_t>(site));
}

torch::Tensor dropout_mask(const torch::Tensor& ids, const torch::Tensor& positions, std::int64_t seed,
                           std::int64_t update, std::int64_t site, std::int64_t features, std::int64_t cut,
                           double scale) {
  torch::Tensor mask = torch::empty({ids.size(0), features}, torch::kFloat32);
  const DropoutRows rows{key_of(seed, update, site),         ids.data_ptr<std::int64_t>(),
                         positions.data_ptr<std::int64_t>(), features,
                         static_cast<std::uint32_t>(cut),    static_cast<float>(scale)};
  float* const values = mask.data_ptr<float>();
  at::parallel_for(0, ids.size(0), 64, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t row = first; row < last; ++row) rows.fill(row, values + row * features);
  });
  return mask;
}

// LibTorch's dispatcher picks the implementation by the device of `ids`; that for CUDA is in src/model/cuda.
TORCH_LIBRARY(rest, library) {
  library.def(
      "dropout_mask(Tensor ids, Tensor positions, int seed, int update, int site, int features, int cut, float scale) "
      "-> Tensor");
}
TORCH_LIBRARY_IMPL(rest, CPU, library) { library.impl("dropout_mask", &dropout_mask); }

}  // namespace

void DropoutRows::fill(std::int64_t row, float* out) const {
  fill_row(key.key(), static_cast<std::uint64_t>(ids[row]), static_cast<std::uint32_t>(positions[row]), cut, features,
           scale, out);
}

DropoutRows dropout_rows(const DropoutSite& site, std::int64_t features) {
  return {key_of(site.seed, site.update, site.site), site.ids.data_ptr<std::int64_t>(),
          site.positions.data_ptr<std::int64_t>(),   features,
          static_cast<std::uint32_t>(cut_of(site)),  static_cast<float>(scale_of(site))};
}

torch::Tensor DropoutSite::mask(std::int64_t features) const {
  static const auto operation =
      c10::Dispatcher::singleton().findSchemaOrThrow("rest::dropout_mask", "").typed<decltype(dropout_mask)>();
  return operation.call(ids, positions, seed, update, site, features, cut_of(*this), scale_of(*this));
}

DropoutSite Dropout::next(const Sequences& sequences) {
  if (probability_ <= 0.0) return {};
  return {probability_, seed_, update_, site_++, sequences.ids, sequences.positions};
}

}  // namespace rest
