#include "grow/decoder/attention.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <vector>

namespace rest {
namespace {

// Heads narrower than a vector, as wide as one, and wider.
const std::vector<AttentionShape> shapes = {{4, 6}, {2, 16}, {8, 64}, {3, 80}};

/// softmax(q k / sqrt(d)) v of one query: query [heads, d], keys and values [length, heads, d] -> [heads, d]
torch::Tensor naive(const torch::Tensor& query, const torch::Tensor& keys, const torch::Tensor& values) {
  const auto scores = torch::einsum("hd,thd->ht", {query, keys}) / std::sqrt(static_cast<double>(query.size(1)));
  return torch::einsum("ht,thd->hd", {torch::softmax(scores, 1), values});
}

torch::Tensor random(std::vector<std::int64_t> shape, int seed) {
  torch::manual_seed(seed);
  return torch::randn(shape, torch::kFloat64) * 2;
}

template <class Real, class Cache>
double path_error(AttentionShape shape, std::int64_t length) {
  constexpr auto real = c10::CppTypeToScalarType<Real>::value, cached = c10::CppTypeToScalarType<Cache>::value;
  const torch::Tensor query = random({shape.heads, shape.head_dim}, 1).to(real).contiguous();
  const torch::Tensor table = random({length + 5, 2, shape.heads, shape.head_dim}, 2).to(cached).contiguous();
  std::vector<std::int32_t> entries;
  for (std::int64_t t = 0; t < length; ++t) entries.push_back(static_cast<std::int32_t>((t * 3 + 2) % (length + 5)));
  std::vector<Real> scratch(attention_scratch(shape, length));
  torch::Tensor out = torch::empty_like(query);
  attend(query.data_ptr<Real>(), Attended<Cache>{table.data_ptr<Cache>(), entries.data(), length}, shape,
         scratch.data(), out.data_ptr<Real>());
  const torch::Tensor chosen = table.to(torch::kFloat64).index_select(0, torch::tensor(entries).to(torch::kLong));
  const torch::Tensor expected = naive(query.to(torch::kFloat64), chosen.select(1, 0), chosen.select(1, 1));
  return (out.to(torch::kFloat64) - expected).abs().max().item<double>();
}

TEST(Attention, OverAPathIsTheNaiveOne) {
  for (const AttentionShape shape : shapes) {
    for (const std::int64_t length : {1, 2, 15, 16, 17, 40}) {
      EXPECT_LT((path_error<double, double>(shape, length)), 1e-12);
      EXPECT_LT((path_error<float, float>(shape, length)), 1e-5);
      EXPECT_LT((path_error<float, at::BFloat16>(shape, length)), 1e-5);
    }
  }
}

template <class Real>
double source_error(AttentionShape shape, std::int64_t rows, std::int64_t length) {
  constexpr auto real = c10::CppTypeToScalarType<Real>::value;
  const std::int64_t padded = (length + attention_padding - 1) / attention_padding * attention_padding;
  const torch::Tensor queries = random({rows, shape.heads, shape.head_dim}, 3).to(real).contiguous();
  const torch::Tensor keys = random({padded, shape.heads, shape.head_dim}, 4).to(real);
  const torch::Tensor values = random({padded, shape.heads, shape.head_dim}, 5).to(real);
  const torch::Tensor laid_keys = keys.permute({1, 2, 0}).contiguous(),
                      laid_values = values.permute({1, 0, 2}).contiguous();
  std::vector<Real> scratch(attention_scratch(shape, length));
  torch::Tensor out = queries.clone();
  attend(out.data_ptr<Real>(), rows,
         AttendedSource<Real>{laid_keys.data_ptr<Real>(), laid_values.data_ptr<Real>(), length, padded}, shape,
         scratch.data(), out.data_ptr<Real>());
  double worst = 0.0;
  for (std::int64_t row = 0; row < rows; ++row) {
    const torch::Tensor expected =
        naive(queries[row].to(torch::kFloat64), keys.narrow(0, 0, length).to(torch::kFloat64),
              values.narrow(0, 0, length).to(torch::kFloat64));
    worst = std::max(worst, (out[row].to(torch::kFloat64) - expected).abs().max().item<double>());
  }
  return worst;
}

TEST(Attention, OverASourceIsTheNaiveOneInPlace) {
  for (const AttentionShape shape : shapes) {
    for (const std::int64_t rows : {1, 7, 8, 19}) {
      for (const std::int64_t length : {1, 16, 21}) {
        EXPECT_LT(source_error<double>(shape, rows, length), 1e-12);
        EXPECT_LT(source_error<float>(shape, rows, length), 1e-5);
      }
    }
  }
}

}  // namespace
}  // namespace rest
