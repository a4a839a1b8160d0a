#include "packed_matrix.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <type_traits>

#include "large_pages.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

/// Inputs that an instruction multiplies and adds together, side by side in memory.
template <class Input>
constexpr std::int64_t group = 4 / static_cast<std::int64_t>(sizeof(Input));

/// Input features that are multiplied at a time: of 64 rows and 64 outputs in float32 they stay in the second-level
/// cache, where all 8,192 of `big`'s feed-forward would not.
constexpr std::int64_t inner_part = 2048;

using Weight8 = std::int8_t;
template <class Input>
using WeightOf = std::conditional_t<std::is_same_v<Input, std::uint8_t>, Weight8, Input>;

/// Whether products of a format come out right here; processors, LibTorch's build and its settings all have a say.
template <class Format>
bool probe() {
  using Input = typename Format::Input;
  constexpr std::int64_t size = 64;
  const std::vector<Input> rows(size, static_cast<Input>(1));
  const std::vector<WeightOf<Input>> weights(size * size, static_cast<WeightOf<Input>>(2));
  std::vector<typename Format::Output> out(size, 0);
  try {
    matrix_product({1, size, size}, {size, size, size}, rows.data(), weights.data(), out.data());
    matrix_product({1, size, size}, {size, size, size}, rows.data(), weights.data(), out.data(), Into::sum);
    end_products();
  } catch (const std::exception&) {
    return false;
  }
  return std::all_of(out.begin(), out.end(), [](auto sum) { return sum == 4 * size; });
}

template <class Format>
bool has_products() {
  static const bool result = probe<Format>();
  return result;
}

/// [outputs, inputs] -> [blocks, padded inputs / together, block, together]
at::Tensor interleave(const at::Tensor& weight, std::int64_t block, std::int64_t together) {
  const std::int64_t outputs = weight.size(0), inputs = padded_features(weight.size(1));
  const std::int64_t blocks = (outputs + block - 1) / block;
  at::Tensor padded = at::zeros({blocks * block, inputs}, weight.options());
  padded.narrow(0, 0, outputs).narrow(1, 0, weight.size(1)).copy_(weight);
  at::Tensor packed = empty_in_large_pages({blocks, inputs / together, block, together}, weight.scalar_type());
  packed.copy_(padded.view({blocks, block, inputs / together, together}).permute({0, 2, 1, 3}));
  return packed;
}

}  // namespace

bool multiplies_bfloat16() { return has_products<Bfloat16Format>(); }

bool multiplies_int8() { return has_products<Int8Format>(); }

template <class Format>
PackedMatrix<Format>::PackedMatrix(const at::Tensor& weight) : inputs_(weight.size(1)), outputs_(weight.size(0)) {
  constexpr auto type = c10::CppTypeToScalarType<WeightOf<Input>>::value;
  if constexpr (std::is_same_v<Format, Int8Format>) {
    if (!multiplies_int8()) {
      throw UsageError("precision \"int8\" is not for this processor", "it has neither AMX nor AVX-512 VNNI",
                       "use bfloat16 or float32");
    }
    const at::Tensor wide = weight.detach().to(at::kFloat);
    const at::Tensor scales = at::clamp_min(std::get<0>(wide.abs().max(1)), 1e-30) / 127.0;
    const at::Tensor rounded = at::round(wide / scales.unsqueeze(1));
    const at::Tensor offsets = (128 * rounded.sum(1)).to(at::kInt);
    scales_.assign(static_cast<std::size_t>(blocks() * block), 0.0f);
    offsets_.assign(static_cast<std::size_t>(blocks() * block), 0);
    std::copy_n(scales.data_ptr<float>(), outputs_, scales_.begin());
    std::copy_n(offsets.data_ptr<std::int32_t>(), outputs_, offsets_.begin());
    packed_ = interleave(rounded.to(type), block, group<Input>);
  } else {
    packed_ = weight.detach().to(type).contiguous();
    if constexpr (!std::is_same_v<Format, Float64Format>) {
      if (has_products<Format>()) {
        packed_ = interleave(packed_, block, group<Input>);
        return;
      }
    }
    packed_ = packed_.to(c10::CppTypeToScalarType<Real>::value);  // [out, in], rounded: multiplied by LibTorch
  }
}

template <class Format>
void PackedMatrix<Format>::multiply(const Input* rows, std::int64_t row_stride, std::int64_t count,
                                    std::int64_t first_block, std::int64_t blocks, Output* out,
                                    std::int64_t out_stride) const {
  if constexpr (std::is_same_v<Format, Float64Format>) {
    multiply_plainly(rows, row_stride, count, first_block, blocks, out, out_stride);
  } else {
    if (packed_.dim() == 2) return multiply_plainly(rows, row_stride, count, first_block, blocks, out, out_stride);
    const std::int64_t inputs = padded_features(inputs_);
    const auto* const weights = packed_.template data_ptr<WeightOf<Input>>();
    for (std::int64_t b = 0; b < blocks; ++b) {
      for (std::int64_t first = 0; first < inputs; first += inner_part) {
        matrix_product({count, block, std::min(inner_part, inputs - first)}, {row_stride, block, out_stride},
                       rows + first, weights + ((first_block + b) * inputs + first) * block, out + b * block,
                       first == 0 ? Into::fresh : Into::sum);
      }
    }
  }
}

template <class Format>
void PackedMatrix<Format>::multiply_plainly(const Input* rows, std::int64_t row_stride, std::int64_t count,
                                            std::int64_t first_block, std::int64_t blocks, Output* out,
                                            std::int64_t out_stride) const {
  if constexpr (!std::is_same_v<Format, Int8Format>) {
    const std::int64_t first = first_block * block, outputs = std::min(blocks * block, outputs_ - first);
    const at::Tensor in = at::from_blob(const_cast<Input*>(rows), {count, inputs_}, {row_stride, 1},
                                        at::TensorOptions(c10::CppTypeToScalarType<Input>::value));
    at::Tensor into = at::from_blob(out, {count, outputs}, {out_stride, 1},
                                    at::TensorOptions(c10::CppTypeToScalarType<Output>::value));
    into.copy_(at::linear(in.to(packed_.scalar_type()), packed_.narrow(0, first, outputs)));
  }
}

template class PackedMatrix<Float64Format>;
template class PackedMatrix<Float32Format>;
template class PackedMatrix<Bfloat16Format>;
template class PackedMatrix<Int8Format>;

}  // namespace rest
