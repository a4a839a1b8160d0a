#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

namespace rest {

/// Sequences of different lengths one behind the other, without padding: a row a piece.
struct Sequences {
  std::vector<std::int64_t> starts;  ///< [sequences + 1]: the first row of each, and the number of rows
  torch::Tensor positions;           // [rows] int64: of each row within its sequence
  torch::Tensor slots;               // [rows] int64: sequence * longest() + position, where padding puts it
  torch::Tensor ids;                 // [rows] int64: whose row it is, the same bits as Example::id, for dropout
  torch::Tensor row_starts;          // [sequences + 1] int32: `starts` where the rows are

  std::int64_t size() const { return static_cast<std::int64_t>(starts.size()) - 1; }
  std::int64_t rows() const { return starts.back(); }
  std::int64_t length(std::int64_t sequence) const {
    const auto i = static_cast<std::size_t>(sequence);
    return starts[i + 1] - starts[i];
  }
  std::int64_t longest() const;
  Sequences to(torch::Device device) const;
};

/// Of given lengths; `ids` [sequences] are those of the rows' examples.
Sequences make_sequences(const std::vector<std::int64_t>& lengths, const std::vector<std::uint64_t>& ids);

/// Which target sequences read which source sequence: those of source s are first[s] ... first[s + 1].
struct Readers {
  std::vector<std::int64_t> first;  ///< [sources + 1]
  torch::Tensor source;             // [targets] int64: the source of each
  torch::Tensor first_targets;      // [sources + 1] int64: `first` where the targets are

  Readers to(torch::Device device) const;
};
Readers make_readers(const std::vector<std::int64_t>& targets_per_source);

}  // namespace rest
