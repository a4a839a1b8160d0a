#include "tree_decoder.hpp"

#include <ATen/ATen.h>

#include <algorithm>

#include "../../model/products/large_pages.hpp"
#include "../products/packed_model.hpp"

namespace rest {

std::unique_ptr<TreeDecoder> make_decoder(const SamplingModel& model, Kernels kernels, PhaseTimes& times) {
  if (model.packed() && kernels == Kernels::native) return model.packed()->decoder(times);
  return operator_decoder(model.model(), model.device().is_cuda() ? Launching::recorded : Launching::one_by_one);
}

void RowPaths::find(const PrefixTree& tree, const std::vector<PrefixRow>& rows) {
  offsets.assign(1, 0);
  longest = 0;
  for (const PrefixRow& row : rows) {
    offsets.push_back(offsets.back() + row.position + 1);
    longest = std::max({longest, row.position + 1, row.source->length});
  }
  nodes.resize(static_cast<std::size_t>(offsets.back()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    tree.path(rows[i].node, nodes.data() + offsets[i], rows[i].position + 1);
  }
}

at::Tensor embed_rows(const Transformer& model, const std::vector<PrefixRow>& rows) {
  const auto count = static_cast<std::int64_t>(rows.size());
  at::Tensor tokens = at::empty({count}, at::kLong), positions = at::empty({count}, at::kLong);
  std::int64_t longest = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    tokens.data_ptr<std::int64_t>()[i] = rows[static_cast<std::size_t>(i)].token;
    positions.data_ptr<std::int64_t>()[i] = rows[static_cast<std::size_t>(i)].position;
    longest = std::max(longest, rows[static_cast<std::size_t>(i)].position);
  }
  return model.embed_target(tokens, positions, longest + 1);
}

void reserve_nodes(at::Tensor& cache, std::int64_t nodes, std::int64_t features, at::TensorOptions options) {
  const std::int64_t held = cache.defined() ? cache.size(0) : 0;
  if (held >= nodes) return;
  const std::int64_t room = std::max(nodes, 2 * held);
  at::Tensor larger = options.device().is_cpu() ? empty_in_large_pages({room, features}, options.dtype().toScalarType())
                                                : at::empty({room, features}, options);
  if (held > 0) larger.narrow(0, 0, held).copy_(cache);
  cache = larger;
}

}  // namespace rest
