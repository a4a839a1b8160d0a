#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace rest {

/// What a decoder's matrix products read and write, what keys and values are kept in, and what the loops in between
/// compute in. Products of bfloat16 are added up in float32, those of int8 exactly.
struct Float64Format {
  using Real = double;
  using Input = double;
  using Output = double;
  using Cache = double;
};
struct Float32Format {
  using Real = float;
  using Input = float;
  using Output = float;
  using Cache = float;
};
struct Bfloat16Format {
  using Real = float;
  using Input = at::BFloat16;
  using Output = float;
  using Cache = at::BFloat16;
};
/// Weights have a scale an output feature; input rows each their own, so that no sample depends on its neighbours, and
/// 128 added, as the processors' instructions want one factor unsigned.
struct Int8Format {
  using Real = float;
  using Input = std::uint8_t;
  using Output = std::int32_t;
  using Cache = at::BFloat16;
};

}  // namespace rest
