#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "prefix_tree.hpp"
#include "rest/grow/phase_times.hpp"
#include "rest/grow/sampling_model.hpp"
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
  virtual ~TreeDecoder() = default;
  /// -> [rows, hidden], ready for a head.
  virtual at::Tensor step(const PrefixTree& tree, const std::vector<PrefixRow>& rows) = 0;
};

/// How the kernels of a step are launched: one by one, or on a GPU as a CUDA graph (recorded_steps.hpp).
enum class Launching { one_by_one, recorded };

/// By operators, on any device. The model must outlive it.
std::unique_ptr<TreeDecoder> operator_decoder(const Transformer& model, Launching launching);

/// The packed model's, or by operators where there is none or they are asked for.
std::unique_ptr<TreeDecoder> make_decoder(const SamplingModel& model, Kernels kernels, PhaseTimes& times);

/// The nodes of each row's path.
struct RowPaths {
  std::vector<std::int32_t> nodes;    // end to end
  std::vector<std::int64_t> offsets;  // [rows + 1]
  std::int64_t longest = 0;           // path or source

  void find(const PrefixTree& tree, const std::vector<PrefixRow>& rows);
};

/// Embedded pieces of the rows, [rows, hidden] in the model's type; on the CPU.
at::Tensor embed_rows(const Transformer& model, const std::vector<PrefixRow>& rows);

/// Makes room for `nodes` entries [nodes, features] in a cache, keeping what it holds.
void reserve_nodes(at::Tensor& cache, std::int64_t nodes, std::int64_t features, at::TensorOptions options);

}  // namespace rest
