#include "tree_decoder.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <numeric>

namespace rest {
namespace {

constexpr std::int64_t rows_per_task = 16;

/// Attention of each row over what `attended(row)` names; query [rows, stride] -> [rows, hidden] in the model's type.
template <class Real, class Rows>
torch::Tensor attend_rows(AttentionShape shape, std::int64_t longest, const torch::Tensor& query,
                          torch::ScalarType model_type, Rows attended) {
  torch::Tensor out = torch::empty({query.size(0), shape.hidden()}, query.scalar_type());
  const Real* const queries = query.data_ptr<Real>();
  Real* const values = out.data_ptr<Real>();
  const std::int64_t stride = query.stride(0);
  at::parallel_for(0, query.size(0), rows_per_task, [&](std::int64_t first, std::int64_t last) {
    std::vector<Real> scratch(attention_scratch(shape, longest));
    for (std::int64_t row = first; row < last; ++row) {
      attend(queries + row * stride, attended(static_cast<std::size_t>(row)), shape, scratch.data(),
             values + row * shape.hidden());
    }
  });
  return out.to(model_type);
}

}  // namespace

TreeDecoder::TreeDecoder(const Transformer& model, Kernels kernels)
    : model_(model), shape_{model.config().heads, model.config().head_dim()}, cache_(model.decoder_layers().size()) {
  if (kernels == Kernels::operators || !model.device().is_cpu()) operators_.emplace(shape_, model.device());
}

void TreeDecoder::find_paths(const PrefixTree& tree, const std::vector<PrefixRow>& rows) {
  path_offsets_.assign(1, 0);
  longest_ = 0;
  for (const PrefixRow& row : rows) {
    path_offsets_.push_back(path_offsets_.back() + row.position + 1);
    longest_ = std::max({longest_, row.position + 1, row.source->length});
  }
  paths_.resize(static_cast<std::size_t>(path_offsets_.back()));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    tree.path(rows[i].node, paths_.data() + path_offsets_[i], rows[i].position + 1);
  }
  if (static_cast<std::int64_t>(source_places_.size()) < longest_) {
    source_places_.resize(static_cast<std::size_t>(longest_));
    std::iota(source_places_.begin(), source_places_.end(), 0);
  }
}

void TreeDecoder::reserve(std::int64_t nodes) {
  for (torch::Tensor& layer : cache_) {
    const std::int64_t held = layer.defined() ? layer.size(0) : 0;
    if (held >= nodes) continue;
    torch::Tensor larger = torch::empty({std::max(nodes, held + held / 2), 2 * shape_.hidden()},
                                        torch::TensorOptions(attention_type(model_.dtype())).device(model_.device()));
    if (held > 0) larger.narrow(0, 0, held).copy_(layer);
    layer = larger;
  }
}

template <class Real>
torch::Tensor TreeDecoder::self_attention(std::size_t layer, const std::vector<PrefixRow>& rows,
                                          const torch::Tensor& qkv) {
  const torch::Tensor projected = qkv.to(cache_[layer].scalar_type());  // [rows, 3 hidden]
  const std::int64_t hidden = shape_.hidden();
  Real* const cache = cache_[layer].data_ptr<Real>();
  const Real* const values = projected.data_ptr<Real>();
  return attend_rows<Real>(shape_, longest_, projected, qkv.scalar_type(), [&](std::size_t row) {
    const Real* const key_value = values + static_cast<std::int64_t>(row) * 3 * hidden + hidden;
    std::copy(key_value, key_value + 2 * hidden, cache + rows[row].node * 2 * hidden);
    return Attended<Real>{cache, paths_.data() + path_offsets_[row], rows[row].position + 1};
  });
}

template <class Real>
torch::Tensor TreeDecoder::cross_attention(std::size_t layer, const std::vector<PrefixRow>& rows,
                                           const torch::Tensor& query) {
  const torch::Tensor projected = query.to(cache_[layer].scalar_type());  // [rows, hidden]
  return attend_rows<Real>(shape_, longest_, projected, query.scalar_type(), [&](std::size_t row) {
    const SourceMemory& source = *rows[row].source;
    return Attended<Real>{source.key_values<Real>(layer), source_places_.data(), source.length};
  });
}

template <class Self, class Cross>
torch::Tensor TreeDecoder::decode(torch::Tensor x, Self self, Cross cross) const {
  Dropout no_dropout;
  for (std::size_t i = 0; i < cache_.size(); ++i) {
    x = model_.decoder_layer(
        model_.decoder_layers()[i], x, no_dropout, [&](const torch::Tensor& qkv) { return self(i, qkv); },
        [&](const torch::Tensor& query) { return cross(i, query); });
  }
  return model_.finish_decoder(x);
}

template <class Real>
torch::Tensor TreeDecoder::decode_natively(const std::vector<PrefixRow>& rows, const torch::Tensor& x) {
  return decode(
      x, [&](std::size_t layer, const torch::Tensor& qkv) { return self_attention<Real>(layer, rows, qkv); },
      [&](std::size_t layer, const torch::Tensor& query) { return cross_attention<Real>(layer, rows, query); });
}

torch::Tensor TreeDecoder::decode_by_operators(const std::vector<PrefixRow>& rows, const torch::Tensor& x) {
  operators_->begin_step(rows, paths_, path_offsets_);
  const auto type = attention_type(model_.dtype());
  return decode(
      x,
      [&](std::size_t layer, const torch::Tensor& qkv) {
        return operators_->self_attention(cache_[layer], qkv.to(type)).to(model_.dtype());
      },
      [&](std::size_t layer, const torch::Tensor& query) {
        return operators_->cross_attention(layer, query.to(type)).to(model_.dtype());
      });
}

torch::Tensor TreeDecoder::step(const PrefixTree& tree, const std::vector<PrefixRow>& rows) {
  find_paths(tree, rows);
  reserve(tree.capacity());
  const auto count = static_cast<std::int64_t>(rows.size());
  torch::Tensor tokens = torch::empty({count}, torch::kInt64), positions = torch::empty({count}, torch::kInt64);
  for (std::int64_t i = 0; i < count; ++i) {
    tokens.data_ptr<std::int64_t>()[i] = rows[static_cast<std::size_t>(i)].token;
    positions.data_ptr<std::int64_t>()[i] = rows[static_cast<std::size_t>(i)].position;
  }
  const torch::Tensor x = model_.embed_target(tokens.to(model_.device()), positions.to(model_.device()));
  if (operators_) return decode_by_operators(rows, x);
  return attention_type(model_.dtype()) == torch::kFloat64 ? decode_natively<double>(rows, x)
                                                           : decode_natively<float>(rows, x);
}

}  // namespace rest
