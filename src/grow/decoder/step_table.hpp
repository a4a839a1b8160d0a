#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "staging.hpp"
#include "tree_decoder.hpp"

namespace rest {

/// What the decoder's operators are told of the rows of a step: views [..., rows] into one int64 tensor, so that it
/// goes to the device at once. Rows may be padded: with the begin piece at 0, an empty path and an empty source.
struct StepTable {
  at::Tensor tokens, positions;  // [rows]
  at::Tensor sources;            // [layers, rows, 4]: SourcePlace
  at::Tensor offsets, paths;     // as tree_attention() wants them
  std::int64_t longest;          // path
};

/// Writes such tables and sends them.
class StepTableWriter {
 public:
  StepTableWriter(std::int64_t layers, at::Device device) : layers_(layers), upload_(at::kLong, device, usual_size) {}

  /// Good until the next call, which reuses the memory.
  StepTable write(const std::vector<PrefixRow>& rows, const RowPaths& paths, std::int64_t padded_rows);

 private:
  void write_sources(const std::vector<PrefixRow>& rows, std::int64_t padded_rows, std::int64_t* out) const;

  static constexpr std::int64_t usual_size = 1 << 17;  // 1 MiB
  std::int64_t layers_;
  Upload upload_;
};

}  // namespace rest
