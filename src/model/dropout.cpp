#include "rest/model/dropout.hpp"

#include <ATen/Parallel.h>
#include <torch/library.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "native/dropout_rows.hpp"
#include "rest/model/dropout_mask.hpp"
#include "vector_rows.hpp"

namespace rest {
namespace {

constexpr std::int64_t lanes = DropoutMask::lanes, per_block = DropoutMask::per_block;

std::int64_t cut_of(const DropoutSite& site) { return std::lround(site.probability * 65536.0); }
double scale_of(const DropoutSite& site) {
  return static_cast<double>(65536.0f / static_cast<float>(65536 - cut_of(site)));
}

typedef std::uint64_t LongWords __attribute__((vector_size(64)));

/// The upper and lower words of 16 products.
REST_INLINE void multiply_words(const Words& a, std::uint32_t factor, Words& high, Words& low) {
  constexpr Words lower = {0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30};
  constexpr Words upper = {1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31};
  LongWords pairs;
  std::memcpy(&pairs, &a, sizeof pairs);
  const LongWords even_products = (pairs & 0xFFFFFFFFu) * std::uint64_t{factor};
  const LongWords odd_products = (pairs >> 32) * std::uint64_t{factor};
  Words even, odd;
  std::memcpy(&even, &even_products, sizeof even);
  std::memcpy(&odd, &odd_products, sizeof odd);
  low = __builtin_shuffle(even, odd, lower);
  high = __builtin_shuffle(even, odd, upper);
}

/// A row of the mask, as DropoutMask::fill_block() defines it, 16 Philox blocks at a time.
REST_CLONES void fill_row(std::uint64_t key, std::uint64_t example, std::uint32_t position, std::uint32_t cut,
                          std::int64_t features, float scale, float* out) {
  constexpr Words count_up = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  for (std::int64_t start = 0; start < features; start += lanes * per_block) {
    Words c0 = Words{} + static_cast<std::uint32_t>(example), c1 = Words{} + static_cast<std::uint32_t>(example >> 32);
    Words c2 = Words{} + position, c3 = count_up + static_cast<std::uint32_t>(start / per_block);
    std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {  // Philox4x32-10, as core/philox.hpp
      Words high_0, low_0, high_1, low_1;
      multiply_words(c0, 0xD2511F53u, high_0, low_0);
      multiply_words(c2, 0xCD9E8D57u, high_1, low_1);
      c0 = high_1 ^ c1 ^ k0, c2 = high_0 ^ c3 ^ k1;
      c1 = low_1, c3 = low_0;
      k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    // Feature start + j * lanes + i takes half-word j of block i.
    const Words words[4] = {c0, c1, c2, c3};
    for (std::int64_t j = 0; j < per_block && start + j * lanes < features; ++j) {
      const std::int64_t base = start + j * lanes;
      const Words uniform = (words[j / 2] >> (j % 2 ? 16 : 0)) & 0xFFFFu;
      const Floats mask = uniform >= cut ? Floats{} + scale : Floats{};
      if (base + lanes <= features) {
        store_lanes(mask, out + base);
      } else {
        store_part(mask, features - base, out + base);
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

std::optional<DropoutRows> dropout_rows(const DropoutSite& site, std::int64_t features) {
  if (site.probability <= 0.0) return std::nullopt;
  return DropoutRows{key_of(site.seed, site.update, site.site), site.ids.data_ptr<std::int64_t>(),
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
