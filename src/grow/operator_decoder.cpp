#include <ATen/ATen.h>

#include "attention_operators.hpp"
#include "step_table.hpp"
#include "tree_decoder.hpp"

namespace rest {
namespace {

class OperatorDecoder : public TreeDecoder {
 public:
  explicit OperatorDecoder(const Transformer& model)
      : model_(model),
        heads_(model.config().heads),
        cached_(at::TensorOptions(attention_type(model)).device(model.device())),
        tables_(model.config().decoder_layers, model.device()),
        cache_(model.decoder_layers().size()) {}

  at::Tensor step(const PrefixTree& tree, const std::vector<PrefixRow>& rows) override {
    paths_.find(tree, rows);
    const std::int64_t count = static_cast<std::int64_t>(rows.size()), hidden = model_.config().hidden;
    for (at::Tensor& layer : cache_) reserve_nodes(layer, tree.capacity(), 2 * hidden, cached_);
    const StepTable table = tables_.write(rows, paths_, count);
    return decode(model_.embed_target(table.tokens, table.positions, table.longest), table);
  }

 private:
  at::Tensor decode(at::Tensor x, const StepTable& table) {
    const auto type = c10::typeMetaToScalarType(cached_.dtype());
    Dropout no_dropout;
    for (std::size_t i = 0; i < cache_.size(); ++i) {
      x = model_.decoder_layer(
          model_.decoder_layers()[i], x, no_dropout,
          [&](const at::Tensor& qkv) {
            return tree_attention(qkv.to(type), cache_[i], table.paths, table.offsets, heads_).to(model_.dtype());
          },
          [&](const at::Tensor& query) {
            const at::Tensor sources = table.sources[static_cast<std::int64_t>(i)];
            return source_attention(query.to(type), sources, heads_).to(model_.dtype());
          });
    }
    return model_.finish_decoder(x);
  }

  const Transformer& model_;
  std::int64_t heads_;
  at::TensorOptions cached_;
  StepTableWriter tables_;
  RowPaths paths_;
  std::vector<at::Tensor> cache_;  // per layer [nodes, 2 hidden]
};

}  // namespace

std::unique_ptr<TreeDecoder> operator_decoder(const Transformer& model) {
  return std::make_unique<OperatorDecoder>(model);
}

}  // namespace rest
