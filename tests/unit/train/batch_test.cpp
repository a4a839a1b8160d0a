#include "rest/train/batch.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <set>

#include "rest/core/philox.hpp"

namespace rest {
namespace {

/// Random pairs of lengths 1 to 20.
class FakeDataset : public Dataset {
 public:
  explicit FakeDataset(std::size_t size) {
    const Philox draw(Purpose::split, 1);
    for (std::uint32_t i = 0; i < size; ++i) {
      source_.push_back(std::vector<Token>(1 + draw(i)[0] % 20, 5));
      target_.push_back(std::vector<Token>(1 + draw(i)[1] % 20, i % 50 + 4));
    }
  }
  std::size_t size() const override { return source_.size(); }
  Example get(std::size_t i) const override { return {source_[i], target_[i], 1.0f + static_cast<float>(i % 3), i}; }

 private:
  std::vector<std::vector<Token>> source_, target_;
};

TEST(BatchTest, MovesAsAWhole) {
  const FakeDataset data(10);
  const std::vector<std::size_t> examples{3, 7};
  const Batch batch = make_batch(data, examples);
  const Batch moved = batch.to(torch::kMeta);  // a device without memory, there on every machine
  for (const auto& [there, here] : {std::pair{moved.source, batch.source},
                                    {moved.source_mask, batch.source_mask},
                                    {moved.target_in, batch.target_in},
                                    {moved.target_rows, batch.target_rows},
                                    {moved.target_out, batch.target_out},
                                    {moved.token_weight, batch.token_weight}}) {
    EXPECT_TRUE(there.is_meta());
    EXPECT_EQ(there.sizes(), here.sizes());
    EXPECT_EQ(there.scalar_type(), here.scalar_type());
  }
  EXPECT_EQ(moved.ids, batch.ids);
  EXPECT_EQ(moved.weight, batch.weight);
}

TEST(BatchTest, ShiftsTargetsAndMarksPadding) {
  const FakeDataset data(10);
  const std::vector<std::size_t> examples{3, 7};
  const Batch batch = make_batch(data, examples);
  for (std::int64_t r = 0; r < 2; ++r) {
    const Example example = data.get(examples[static_cast<std::size_t>(r)]);
    const auto n = static_cast<std::int64_t>(example.source.size()),
               m = static_cast<std::int64_t>(example.target.size());
    EXPECT_EQ(batch.source[r][n].item<std::int64_t>(), 3);
    EXPECT_EQ(batch.source_mask[r].sum().item<std::int64_t>(), n + 1);
    EXPECT_EQ(batch.target_in[r][0].item<std::int64_t>(), 2);
    EXPECT_EQ(batch.target_in[r][m].item<std::int64_t>(), example.target[0]);
  }
  const auto tokens = data.get(3).target.size() + data.get(7).target.size() + 2;
  EXPECT_EQ(batch.target_out.numel(), static_cast<std::int64_t>(tokens));
  EXPECT_EQ((batch.target_out == 3).sum().item<std::int64_t>(), 2);
  EXPECT_FLOAT_EQ(static_cast<float>(batch.weight), batch.token_weight.sum().item<float>());
}

TEST(BatchPlanTest, AnEpochHoldsEveryExampleOnceWithinTheBudget) {
  const FakeDataset data(997);
  const ShuffledDataset shuffled(data);
  BatchPlan plan(shuffled, 1, 200, 4);
  BatchCursor cursor;
  std::multiset<std::uint64_t> seen;
  while (cursor.epoch == 0) {
    const auto leaves = plan.next(cursor);
    ASSERT_EQ(leaves.size(), 4u);
    std::size_t tokens = 0;
    for (const auto& leaf : leaves)
      for (const std::size_t example : leaf) {
        seen.insert(plan.examples().get(example).id);
        tokens += plan.examples().get(example).target.size() + 1;
      }
    EXPECT_LE(tokens, 200u);
    EXPECT_GT(tokens, 0u);
  }
  EXPECT_EQ(seen.size(), 997u);
  EXPECT_EQ(std::set<std::uint64_t>(seen.begin(), seen.end()).size(), 997u);
}

/// Ids of the examples of an update's leaves.
std::vector<std::vector<std::uint64_t>> next_ids(BatchPlan& plan, BatchCursor& cursor) {
  std::vector<std::vector<std::uint64_t>> ids;
  for (const auto& leaf : plan.next(cursor)) {
    ids.emplace_back();
    for (const std::size_t example : leaf) ids.back().push_back(plan.examples().get(example).id);
  }
  return ids;
}

/// Windows of 100 neighbours, so that an id tells its window.
class ManyWindows : public ShuffledData {
 public:
  explicit ManyWindows(const Dataset& dataset) : dataset_(dataset) {}
  std::uint64_t size() const override { return dataset_.size(); }
  std::uint64_t windows() const override { return (size() + 99) / 100; }
  std::unique_ptr<const Dataset> load(std::uint64_t, std::uint64_t, std::uint64_t window) const override {
    auto examples = std::make_unique<Part>();
    for (std::size_t i = window * 100; i < std::min<std::size_t>(size(), window * 100 + 100); ++i) {
      examples->push_back(dataset_.get(i));
    }
    return examples;
  }

 private:
  struct Part : Dataset, std::vector<Example> {
    std::size_t size() const override { return std::vector<Example>::size(); }
    Example get(std::size_t i) const override { return at(i); }
  };
  const Dataset& dataset_;
};

TEST(BatchPlanTest, EpochsAreShuffledAnew) {
  const FakeDataset data(300);
  const ShuffledDataset shuffled(data);
  BatchPlan plan(shuffled, 1, 100, 2);
  BatchCursor cursor;
  const auto first = next_ids(plan, cursor);
  while (cursor.epoch == 0) plan.next(cursor);
  EXPECT_NE(first, next_ids(plan, cursor));
}

TEST(BatchPlanTest, GoesThroughAllWindowsOfEveryEpoch) {
  const FakeDataset data(997);
  const ManyWindows windows(data);
  BatchPlan plan(windows, 1, 200, 4);
  BatchCursor cursor;
  for (std::uint64_t epoch = 0; epoch < 2; ++epoch) {
    std::multiset<std::uint64_t> seen;
    while (cursor.epoch == epoch) {
      const std::uint64_t window = cursor.window;
      for (const auto& leaf : next_ids(plan, cursor))
        for (const std::uint64_t id : leaf) {
          seen.insert(id);
          EXPECT_EQ(id / 100, window);
        }
    }
    EXPECT_EQ(seen.size(), 997u);
    EXPECT_EQ(std::set<std::uint64_t>(seen.begin(), seen.end()).size(), 997u);
  }
}

TEST(BatchPlanTest, ACursorGoesOnWhereItStood) {
  const FakeDataset data(500);
  const ManyWindows windows(data);
  BatchPlan plan(windows, 7, 150, 2);
  BatchCursor cursor;
  for (int i = 0; i < 60; ++i) plan.next(cursor);
  for (int i = 0; i < 60; ++i) {  // within windows, and at their ends
    BatchCursor restored = cursor;
    BatchPlan again(windows, 7, 150, 2);
    const auto expected = next_ids(plan, cursor);
    EXPECT_EQ(next_ids(again, restored), expected);
  }
}

TEST(BatchPlanTest, LeavesAreEven) {
  const FakeDataset data(2000);
  const ShuffledDataset shuffled(data);
  BatchPlan plan(shuffled, 1, 800, 4);
  BatchCursor cursor;
  for (int i = 0; i < 10; ++i) {
    for (const auto& leaf : plan.next(cursor)) {
      std::size_t tokens = 0;
      for (const std::size_t example : leaf) tokens += plan.examples().get(example).target.size() + 1;
      EXPECT_LE(tokens, 222u);  // a quarter and one longest example
    }
  }
}

}  // namespace
}  // namespace rest
