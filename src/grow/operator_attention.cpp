#include "operator_attention.hpp"

#include <torch/torch.h>

#include <algorithm>

#include "tree_decoder.hpp"

namespace rest {
namespace {

torch::Tensor indices(const std::vector<std::int64_t>& values, torch::Device device) {
  return torch::tensor(values, torch::kInt64).to(device);
}

/// [n, 1, 1, longest] bool: true below each length.
torch::Tensor below(const torch::Tensor& lengths, std::int64_t longest) {
  return (torch::arange(longest, lengths.options()) < lengths.unsqueeze(1)).unsqueeze(1).unsqueeze(1);
}

}  // namespace

void OperatorAttention::begin_step(const std::vector<PrefixRow>& rows, const std::vector<std::int32_t>& paths,
                                   const std::vector<std::int64_t>& offsets) {
  std::vector<std::int64_t> nodes, lengths;
  for (const PrefixRow& row : rows) {
    nodes.push_back(row.node);
    lengths.push_back(row.position + 1);
  }
  const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  torch::Tensor entries = torch::zeros({static_cast<std::int64_t>(rows.size()), longest}, torch::kInt64);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(paths.begin() + offsets[i], lengths[i],
                entries.data_ptr<std::int64_t>() + static_cast<std::int64_t>(i) * longest);
  }
  nodes_ = indices(nodes, device_);
  entries_ = entries.to(device_);
  shown_ = below(indices(lengths, device_), longest);
  group_rows(rows);
}

void OperatorAttention::group_rows(const std::vector<PrefixRow>& rows) {
  struct Members {
    std::vector<std::int64_t> rows, sources, lengths;
  };
  groups_.clear();
  std::vector<Members> members;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const SourceMemory& source = *rows[i].source;
    const auto found = std::find_if(groups_.begin(), groups_.end(), [&](auto& g) { return g.layers == source.layers; });
    const auto group = static_cast<std::size_t>(found - groups_.begin());
    if (found == groups_.end()) {
      groups_.push_back({source.layers, {}, {}, {}});
      members.emplace_back();
    }
    members[group].rows.push_back(static_cast<std::int64_t>(i));
    members[group].sources.push_back(source.index);
    members[group].lengths.push_back(source.length);
  }
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    groups_[g].rows = indices(members[g].rows, device_);
    groups_[g].sources = indices(members[g].sources, device_);
    groups_[g].shown = below(indices(members[g].lengths, device_), groups_[g].layers->front().keys.size(3));
  }
}

/// query [n, hidden], keys and values [n, heads, length, head_dim], shown [n, 1, 1, length] -> [n, hidden]
torch::Tensor OperatorAttention::attend(const torch::Tensor& query, const torch::Tensor& keys,
                                        const torch::Tensor& values, const torch::Tensor& shown) const {
  const std::int64_t rows = query.size(0);
  const auto q = query.reshape({rows, shape_.heads, 1, shape_.head_dim});
  return at::scaled_dot_product_attention(q, keys, values, shown).reshape({rows, shape_.hidden()});
}

torch::Tensor OperatorAttention::self_attention(torch::Tensor& cache, const torch::Tensor& qkv) const {
  const std::int64_t hidden = shape_.hidden();
  cache.index_copy_(0, nodes_, qkv.narrow(1, hidden, 2 * hidden));
  const auto key_value = cache.index_select(0, entries_.view({-1}))
                             .view({entries_.size(0), entries_.size(1), 2, shape_.heads, shape_.head_dim})
                             .permute({2, 0, 3, 1, 4});  // [2, n, heads, length, head_dim]
  return attend(qkv.narrow(1, 0, hidden), key_value[0], key_value[1], shown_);
}

torch::Tensor OperatorAttention::cross_attention(std::size_t layer, const torch::Tensor& query) const {
  torch::Tensor out = torch::empty_like(query);
  for (const Group& group : groups_) {
    const auto& [keys, values] = (*group.layers)[layer];
    out.index_copy_(0, group.rows,
                    attend(query.index_select(0, group.rows), keys.index_select(0, group.sources).transpose(2, 3),
                           values.index_select(0, group.sources), group.shown));
  }
  return out;
}

}  // namespace rest
