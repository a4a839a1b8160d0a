#include <gtest/gtest.h>
#include <torch/torch.h>

#include "gpu.hpp"
#include "rest/comm/buckets.hpp"
#include "rest/comm/cuda.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

constexpr std::int64_t leaves = 8, elements = 100003;

torch::Tensor leaf_values(std::int64_t leaf, std::int64_t update) {
  return torch::sin(torch::arange(elements, torch::kFloat32) * static_cast<double>(leaf + 1 + 10 * update)).to(gpu());
}

ReducerOptions options() {
  ReducerOptions options;
  options.leaves = leaves;
  options.elements = elements;
  options.parts = {{0, 50000}, {50000, elements - 50000}};
  return options;
}

torch::Tensor reduce(GradientReducer& reducer, std::int64_t update) {
  const LeafRange own = leaves_of_rank(leaves, world().rank(), world().size());
  for (std::int64_t leaf = own.first; leaf < own.last; ++leaf) {
    torch::Tensor values = leaf_values(leaf, update);
    const auto parts = options().parts;
    for (std::size_t part = parts.size(); part-- > 0;)
      reducer.add(leaf, part, Span<const float>(values.data_ptr<float>() + parts[part].offset, parts[part].size));
    reducer.end_leaf(leaf);
    values.fill_(1e9);  // may be reused on return
  }
  const Span<const float> sum = reducer.finish().values;
  return torch::from_blob(const_cast<float*>(sum.data()), {elements},
                          torch::TensorOptions(gpu()).dtype(torch::kFloat32))
      .cpu();
}

/// Alone, and on several ranks when started by mpirun.
TEST(CudaReducer, AddsTheLeavesOfAllRanksAndGivesTheSameBitsAgain) {
  NEEDS_A_GPU();
  const auto reducer = make_nccl_reducer(world(), options());
  for (std::int64_t update = 0; update < 3; ++update) {
    torch::Tensor expected = torch::zeros({elements}, torch::kFloat64);
    for (std::int64_t leaf = 0; leaf < leaves; ++leaf) expected += leaf_values(leaf, update).cpu();
    const torch::Tensor sum = reduce(*reducer, update);
    EXPECT_TRUE(torch::allclose(sum.to(torch::kFloat64), expected, 1e-5, 1e-5));
    EXPECT_TRUE(torch::equal(sum, reduce(*reducer, update)));
  }
}

TEST(CudaReducer, AddsBfloat16AndGathersBuckets) {
  NEEDS_A_GPU();
  const auto reducer = make_nccl_reducer(world(), options());
  torch::Tensor expected = torch::zeros({elements}, torch::kFloat64);
  const LeafRange own = leaves_of_rank(leaves, world().rank(), world().size());
  for (std::int64_t leaf = 0; leaf < leaves; ++leaf) {
    const torch::Tensor values = leaf_values(leaf, 0).to(torch::kBFloat16);
    expected += values.cpu().to(torch::kFloat64);
    if (leaf < own.first || leaf >= own.last) continue;
    const auto parts = options().parts;
    for (std::size_t part = 0; part < parts.size(); ++part) {
      const auto* const first = static_cast<const Bfloat16*>(values.data_ptr()) + parts[part].offset;
      reducer->add(leaf, part, Span<const Bfloat16>(first, parts[part].size));
    }
    reducer->end_leaf(leaf);
  }
  const Span<const float> sum = reducer->finish().values;
  torch::Tensor got = torch::from_blob(const_cast<float*>(sum.data()), {elements}, torch::TensorOptions(gpu())).clone();
  EXPECT_TRUE(torch::allclose(got.cpu().to(torch::kFloat64), expected, 1e-5, 1e-5));
  const torch::Tensor whole = got.clone();
  const Buckets buckets(static_cast<std::size_t>(elements), world().size());
  for (std::size_t bucket = 0; bucket < buckets.count(); ++bucket) {
    if (buckets.owner(bucket) == world().rank()) continue;
    got.narrow(0, static_cast<std::int64_t>(buckets.first(bucket)), static_cast<std::int64_t>(buckets.size_of(bucket)))
        .zero_();
  }
  reducer->gather_buckets(got.data_ptr(), sizeof(float));
  EXPECT_TRUE(torch::equal(got, whole));
}

TEST(CudaReducer, RefusesWrongLeavesAndSizes) {
  NEEDS_A_GPU();
  const auto reducer = make_nccl_reducer(world(), options());
  const torch::Tensor values = torch::zeros({3}, torch::TensorOptions(gpu()));
  EXPECT_THROW(reducer->add(-1, 0, Span<const float>(values.data_ptr<float>(), 3)), Error);
  EXPECT_THROW(reducer->add(leaves_of_rank(leaves, world().rank(), world().size()).first, 0,
                            Span<const float>(values.data_ptr<float>(), 3)),
               Error);
  EXPECT_THROW(reducer->finish(), Error);
}

}  // namespace
}  // namespace rest
