#include "operator_attention.hpp"
#include "tree_decoder.hpp"

namespace rest {
namespace {

class OperatorDecoder : public TreeDecoder {
 public:
  explicit OperatorDecoder(const Transformer& model)
      : model_(model),
        shape_{model.config().heads, model.config().head_dim()},
        attention_(shape_, model.device()),
        cache_(model.decoder_layers().size()) {}

  at::Tensor step(const PrefixTree& tree, const std::vector<PrefixRow>& rows) override {
    const auto type = attention_type(model_.dtype());
    paths_.find(tree, rows);
    for (at::Tensor& layer : cache_) {
      reserve_nodes(layer, tree.capacity(), 2 * shape_.hidden(), at::TensorOptions(type).device(model_.device()));
    }
    attention_.begin_step(rows, paths_.nodes, paths_.offsets);
    Dropout no_dropout;
    at::Tensor x = embed_rows(model_, rows);
    for (std::size_t i = 0; i < cache_.size(); ++i) {
      x = model_.decoder_layer(
          model_.decoder_layers()[i], x, no_dropout,
          [&](const at::Tensor& qkv) { return attention_.self_attention(cache_[i], qkv.to(type)).to(model_.dtype()); },
          [&](const at::Tensor& query) { return attention_.cross_attention(i, query.to(type)).to(model_.dtype()); });
    }
    return model_.finish_decoder(x);
  }

 private:
  const Transformer& model_;
  AttentionShape shape_;
  OperatorAttention attention_;
  RowPaths paths_;
  std::vector<at::Tensor> cache_;  // per layer [nodes, 2 hidden]
};

}  // namespace

std::unique_ptr<TreeDecoder> operator_decoder(const Transformer& model) {
  return std::make_unique<OperatorDecoder>(model);
}

}  // namespace rest
