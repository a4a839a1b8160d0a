#include <ATen/ATen.h>

#include <algorithm>

#include "attention_operators.hpp"
#include "recorded_steps.hpp"
#include "step_table.hpp"
#include "tree_decoder.hpp"

namespace rest {
namespace {

class OperatorDecoder : public TreeDecoder {
 public:
  OperatorDecoder(const Transformer& model, Launching launching)
      : model_(model),
        launching_(launching),
        heads_(model.config().heads),
        cached_(at::TensorOptions(attention_type(model)).device(model.device())),
        tables_(model.config().decoder_layers, model.device()),
        cache_(model.decoder().size()),
        recorded_([this](const at::Tensor& x, const StepTable& table) { return decode(x, table); }) {}

  at::Tensor step(const PrefixTree& tree, const std::vector<PrefixRow>& rows) override {
    paths_.find(tree, rows);
    const std::int64_t count = static_cast<std::int64_t>(rows.size()), hidden = model_.config().hidden;
    const std::int64_t nodes =
        launching_ == Launching::recorded ? std::max(tree.capacity(), usual_nodes) : tree.capacity();
    for (at::Tensor& layer : cache_) reserve_nodes(layer, nodes, 2 * hidden, cached_);
    const StepTable table = tables_.write(rows, paths_, padded_rows(count));
    const at::Tensor x = model_.embed_target(table.tokens, table.positions, table.longest);
    const at::Tensor out = launching_ == Launching::recorded ? recorded_.run(x, table, cache_) : decode(x, table);
    return out.narrow(0, 0, count);
  }

 private:
  /// A cache that grows makes all recordings void.
  static constexpr std::int64_t usual_nodes = 1 << 13;

  at::Tensor decode(const at::Tensor& x, const StepTable& table) {
    const auto type = c10::typeMetaToScalarType(cached_.dtype());
    return model_.decoder_layers(
        x,
        [&](std::size_t layer, const at::Tensor& qkv) {
          return tree_attention(qkv.to(type), cache_[layer], table.paths, table.offsets, heads_).to(model_.dtype());
        },
        [&](std::size_t layer, const at::Tensor& query) {
          return source_attention(query.to(type), table.sources[static_cast<std::int64_t>(layer)], heads_)
              .to(model_.dtype());
        });
  }

  const Transformer& model_;
  Launching launching_;
  std::int64_t heads_;
  at::TensorOptions cached_;
  StepTableWriter tables_;
  RowPaths paths_;
  std::vector<at::Tensor> cache_;  // per layer [nodes, 2 hidden]
  RecordedSteps recorded_;
};

}  // namespace

std::unique_ptr<TreeDecoder> operator_decoder(const Transformer& model, Launching launching) {
  return std::make_unique<OperatorDecoder>(model, launching);
}

}  // namespace rest
