#pragma once

#include <torch/torch.h>

#include <cmath>
#include <vector>

#include "grow/decoder/attention_operators.hpp"
#include "grow/decoder/source_place.hpp"

namespace rest::grow_test {

inline torch::Tensor waves(torch::IntArrayRef sizes, double frequency) {
  const std::int64_t count = c10::multiply_integers(sizes);
  return torch::sin(torch::arange(count, torch::kFloat64) * frequency).view(sizes) * 1.5;
}

/// query [heads, head_dim], keys and values [heads, length, head_dim] -> [heads * head_dim], in float64.
inline torch::Tensor attended_plainly(const torch::Tensor& query, const torch::Tensor& keys,
                                      const torch::Tensor& values) {
  const auto scores =
      torch::matmul(keys, query.unsqueeze(2)).squeeze(2) / std::sqrt(static_cast<double>(query.size(1)));
  return torch::matmul(torch::softmax(scores, 1).unsqueeze(1), values).flatten();
}

/// Paths of very different lengths through a table, one of them empty; what is expected in float64.
struct TreeCase {
  std::int64_t heads;
  torch::Tensor qkv, cache, paths, offsets, expected, expected_cache;

  TreeCase(std::int64_t heads_, std::int64_t head_dim, torch::ScalarType type) : heads(heads_) {
    const std::int64_t nodes = 400, hidden = heads * head_dim;
    const std::vector<std::int64_t> lengths{1, 3, 17, 0, 130, 32, 128, 290};
    const auto rows = static_cast<std::int64_t>(lengths.size());
    qkv = waves({rows, 3 * hidden}, 1.3).to(type);
    cache = waves({nodes, 2 * hidden}, 0.7).to(type);
    expected = torch::zeros({rows, hidden}, torch::kFloat64);
    expected_cache = cache.clone();
    std::vector<std::int64_t> path, ends{0};
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto length = lengths[static_cast<std::size_t>(row)];
      for (std::int64_t t = 0; t + 1 < length; ++t) path.push_back((37 * t + row) % 380);
      if (length > 0) path.push_back(380 + row);  // its own node
      ends.push_back(static_cast<std::int64_t>(path.size()));
      if (length == 0) continue;
      expected_cache[380 + row].copy_(qkv[row].slice(0, hidden));
      const auto entries = torch::tensor(std::vector<std::int64_t>(path.end() - length, path.end()));
      const auto key_value = expected_cache.index_select(0, entries)
                                 .to(torch::kFloat64)
                                 .view({length, 2, heads, head_dim})
                                 .permute({1, 2, 0, 3});
      const auto query = qkv[row].slice(0, 0, hidden).to(torch::kFloat64).view({heads, head_dim});
      expected[row].copy_(attended_plainly(query, key_value[0], key_value[1]));
    }
    paths = torch::tensor(path);
    offsets = torch::tensor(ends);
  }
};

/// Rows that look at sources of two groups, one of them at nothing; what is expected in float64.
struct SourceCase {
  std::int64_t heads;
  torch::Tensor query, places, expected;
  std::vector<torch::Tensor> held;  // what `places` points to

  SourceCase(std::int64_t heads_, std::int64_t head_dim, torch::ScalarType type, torch::Device device) : heads(heads_) {
    struct Look {
      std::size_t group;
      std::int64_t source, length;
    };
    const std::vector<Look> looks{{0, 0, 5}, {0, 1, 16}, {0, 1, 16}, {1, 2, 144}, {1, 0, 1}, {0, 0, 0}, {1, 1, 129}};
    const auto rows = static_cast<std::int64_t>(looks.size()), hidden = heads * head_dim;
    const std::vector<std::int64_t> padded{16, 144};
    query = waves({rows, hidden}, 1.1).to(type);
    expected = torch::zeros({rows, hidden}, torch::kFloat64);
    places = torch::zeros({rows, SourcePlace::fields}, torch::kInt64);
    for (const std::int64_t length : padded) {
      held.push_back(waves({3, heads, head_dim, length}, 0.9).to(type).to(device));
      held.push_back(waves({3, heads, length, head_dim}, 0.3).to(type).to(device));
    }
    for (std::int64_t row = 0; row < rows; ++row) {
      const auto& [group, source, length] = looks[static_cast<std::size_t>(row)];
      const torch::Tensor keys = held[2 * group][source], values = held[2 * group + 1][source];
      places[row].copy_(torch::tensor(std::vector<std::int64_t>{reinterpret_cast<std::int64_t>(keys.data_ptr()),
                                                                reinterpret_cast<std::int64_t>(values.data_ptr()),
                                                                length, padded[group]}));
      if (length == 0) continue;
      const auto wide = [&](const torch::Tensor& x) { return x.cpu().to(torch::kFloat64); };
      expected[row].copy_(attended_plainly(wide(query[row]).view({heads, head_dim}),
                                           wide(keys).slice(2, 0, length).transpose(1, 2),
                                           wide(values).slice(1, 0, length)));
    }
  }
};

}  // namespace rest::grow_test
