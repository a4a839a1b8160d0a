#include "step_table.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "rest/text/tokenizer.hpp"
#include "source_place.hpp"

namespace rest {
namespace {

/// Address of entry `index` of a tensor's first dimension.
std::int64_t address(const at::Tensor& tensor, std::int64_t index) {
  const auto offset = index * tensor.stride(0) * static_cast<std::int64_t>(tensor.element_size());
  return reinterpret_cast<std::int64_t>(tensor.data_ptr()) + offset;
}

}  // namespace

StepTable StepTableWriter::write(const std::vector<PrefixRow>& rows, const RowPaths& paths, std::int64_t padded_rows) {
  const auto count = static_cast<std::int64_t>(rows.size()), entries = static_cast<std::int64_t>(paths.nodes.size());
  const std::int64_t source_fields = layers_ * padded_rows * SourcePlace::fields;
  // In this order, so that what is as long whatever the paths are stands at the same place.
  const std::int64_t positions_at = padded_rows, sources_at = 2 * padded_rows, offsets_at = sources_at + source_fields,
                     paths_at = offsets_at + padded_rows + 1;
  std::int64_t* const memory = upload_.next(paths_at + entries).data_ptr<std::int64_t>();
  std::int64_t longest = 1;
  for (std::int64_t i = 0; i < padded_rows; ++i) {
    const bool real = i < count;
    memory[i] = real ? std::int64_t{rows[static_cast<std::size_t>(i)].token} : std::int64_t{Tokenizer::begin};
    memory[positions_at + i] = real ? rows[static_cast<std::size_t>(i)].position : 0;
    longest = std::max(longest, memory[positions_at + i] + 1);
  }
  write_sources(rows, padded_rows, memory + sources_at);
  std::copy(paths.offsets.begin(), paths.offsets.end(), memory + offsets_at);
  std::fill(memory + offsets_at + count + 1, memory + paths_at, entries);
  std::copy(paths.nodes.begin(), paths.nodes.end(), memory + paths_at);

  const at::Tensor sent = upload_.send();
  return {sent.narrow(0, 0, padded_rows),
          sent.narrow(0, positions_at, padded_rows),
          sent.narrow(0, sources_at, source_fields).view({layers_, padded_rows, SourcePlace::fields}),
          sent.narrow(0, offsets_at, padded_rows + 1),
          sent.narrow(0, paths_at, entries),
          longest};
}

void StepTableWriter::write_sources(const std::vector<PrefixRow>& rows, std::int64_t padded_rows,
                                    std::int64_t* out) const {
  auto* place = reinterpret_cast<SourcePlace*>(out);
  for (std::int64_t layer = 0; layer < layers_; ++layer) {
    const SourceMemory* source = nullptr;  // of the row before: neighbours mostly share it
    SourcePlace found{};
    for (const PrefixRow& row : rows) {
      if (row.source != source) {
        source = row.source;
        const auto& [keys, values] = (*source->layers)[static_cast<std::size_t>(layer)];
        found = {address(keys, source->index), address(values, source->index), source->length, keys.size(3)};
      }
      *place++ = found;
    }
    place = std::fill_n(place, padded_rows - static_cast<std::int64_t>(rows.size()), SourcePlace{});
  }
}

}  // namespace rest
