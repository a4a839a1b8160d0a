#include <gtest/gtest.h>
#include <torch/torch.h>

#include "gpu.hpp"
#include "rest/comm/cuda.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

constexpr std::int64_t leaves = 8, elements = 100003;

torch::Tensor leaf_values(std::int64_t leaf, std::int64_t update) {
  return torch::sin(torch::arange(elements, torch::kFloat32) * static_cast<double>(leaf + 1 + 10 * update)).to(gpu());
}

torch::Tensor reduce(GradientReducer& reducer, std::int64_t update) {
  const LeafRange own = leaves_of_rank(leaves, world().rank(), world().size());
  for (std::int64_t leaf = own.first; leaf < own.last; ++leaf) {
    torch::Tensor values = leaf_values(leaf, update);
    reducer.add(leaf, {values.data_ptr<float>(), static_cast<std::size_t>(elements)});
    values.fill_(1e9);  // may be reused on return
  }
  const Span<float> sum = reducer.finish();
  return torch::from_blob(sum.data(), {elements}, torch::TensorOptions(gpu()).dtype(torch::kFloat32)).cpu();
}

/// Alone, and on several ranks when started by mpirun.
TEST(CudaReducer, AddsTheLeavesOfAllRanksAndGivesTheSameBitsAgain) {
  NEEDS_A_GPU();
  const auto reducer = make_nccl_reducer(world(), leaves, static_cast<std::size_t>(elements));
  for (std::int64_t update = 0; update < 3; ++update) {
    torch::Tensor expected = torch::zeros({elements}, torch::kFloat64);
    for (std::int64_t leaf = 0; leaf < leaves; ++leaf) expected += leaf_values(leaf, update).cpu();
    const torch::Tensor sum = reduce(*reducer, update);
    EXPECT_TRUE(torch::allclose(sum.to(torch::kFloat64), expected, 1e-5, 1e-5));
    EXPECT_TRUE(torch::equal(sum, reduce(*reducer, update)));
  }
}

TEST(CudaReducer, RefusesWrongLeavesAndSizes) {
  NEEDS_A_GPU();
  const auto reducer = make_nccl_reducer(world(), leaves, 3);
  const torch::Tensor values = torch::zeros({3}, torch::TensorOptions(gpu()));
  EXPECT_THROW(reducer->add(-1, {values.data_ptr<float>(), 3}), Error);
  EXPECT_THROW(reducer->finish(), Error);
}

}  // namespace
}  // namespace rest
