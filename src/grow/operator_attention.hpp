#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "attention.hpp"
#include "source_memory.hpp"

namespace rest {

struct PrefixRow;

/// What attend() does row by row in the CPU's memory, by LibTorch's operators on any device: each row's keys and values
/// are gathered, padded to the longest, and all rows attended at once.
class OperatorAttention {
 public:
  OperatorAttention(AttentionShape shape, torch::Device device) : shape_(shape), device_(device) {}

  /// The rows of a step; `paths` holds the nodes of each row's path, end to end from `offsets` [rows + 1].
  void begin_step(const std::vector<PrefixRow>& rows, const std::vector<std::int32_t>& paths,
                  const std::vector<std::int64_t>& offsets);

  /// Stores the rows' own keys and values in `cache` [nodes, 2 hidden], then attends to their paths.
  /// qkv [rows, 3 hidden] in the cache's type -> [rows, hidden]
  torch::Tensor self_attention(torch::Tensor& cache, const torch::Tensor& qkv) const;
  /// query [rows, hidden] in the type of the sources' keys and values -> [rows, hidden]
  torch::Tensor cross_attention(std::size_t layer, const torch::Tensor& query) const;

 private:
  /// Rows whose sources were encoded together.
  struct Group {
    std::shared_ptr<const std::vector<SourceKeyValues>> layers;
    torch::Tensor rows, sources;  // [n] int64: in the step; in the group
    torch::Tensor shown;          // [n, 1, 1, padded length] bool
  };
  torch::Tensor attend(const torch::Tensor& query, const torch::Tensor& keys, const torch::Tensor& values,
                       const torch::Tensor& shown) const;
  void group_rows(const std::vector<PrefixRow>& rows);

  AttentionShape shape_;
  torch::Device device_;
  torch::Tensor nodes_, entries_, shown_;  // [rows], [rows, longest] int64; [rows, 1, 1, longest] bool
  std::vector<Group> groups_;
};

}  // namespace rest
