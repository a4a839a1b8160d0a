#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "attention.hpp"
#include "operator_attention.hpp"
#include "prefix_tree.hpp"
#include "rest/model/device.hpp"
#include "rest/model/transformer.hpp"
#include "source_memory.hpp"

namespace rest {

/// One distinct prefix to decode: its last piece is decoded now, the pieces before it already were.
struct PrefixRow {
  PrefixTree::Node node;
  Token token;
  std::int64_t position;  ///< of `token`; the begin piece stands at 0
  const SourceMemory* source;
};

/// The decoder over a prefix tree: keys and values are stored once a node and layer, and rows attend to the nodes on
/// their path, so that branching copies nothing.
class TreeDecoder {
 public:
  explicit TreeDecoder(const Transformer& model, Kernels kernels = Kernels::native);

  /// -> [rows, hidden], ready for Transformer::project().
  torch::Tensor step(const PrefixTree& tree, const std::vector<PrefixRow>& rows);

 private:
  void find_paths(const PrefixTree& tree, const std::vector<PrefixRow>& rows);
  void reserve(std::int64_t nodes);
  template <class Self, class Cross>
  torch::Tensor decode(torch::Tensor x, Self self, Cross cross) const;
  template <class Real>
  torch::Tensor decode_natively(const std::vector<PrefixRow>& rows, const torch::Tensor& x);
  torch::Tensor decode_by_operators(const std::vector<PrefixRow>& rows, const torch::Tensor& x);
  template <class Real>
  torch::Tensor self_attention(std::size_t layer, const std::vector<PrefixRow>& rows, const torch::Tensor& qkv);
  template <class Real>
  torch::Tensor cross_attention(std::size_t layer, const std::vector<PrefixRow>& rows, const torch::Tensor& query);

  const Transformer& model_;
  AttentionShape shape_;
  std::optional<OperatorAttention> operators_;
  std::vector<torch::Tensor> cache_;         // per layer [nodes, 2 hidden]
  std::vector<std::int32_t> paths_;          // nodes of each row's path, end to end
  std::vector<std::int64_t> path_offsets_;   // [rows + 1]
  std::vector<std::int32_t> source_places_;  // 0, 1, 2, ...
  std::int64_t longest_ = 0;                 // path or source of this step
};

}  // namespace rest
