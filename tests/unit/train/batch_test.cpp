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
                                    {moved.target_in, batch.target_in},
                                    {moved.target_out, batch.target_out},
                                    {moved.token_weight, batch.token_weight},
                                    {moved.sources.positions, batch.sources.positions},
                                    {moved.sources.slots, batch.sources.slots},
                                    {moved.targets.ids, batch.targets.ids},
                                    {moved.readers.source, batch.readers.source}}) {
    EXPECT_TRUE(there.is_meta());
    EXPECT_EQ(there.sizes(), here.sizes());
    EXPECT_EQ(there.scalar_type(), here.scalar_type());
  }
  EXPECT_EQ(moved.targets.starts, batch.targets.starts);
  EXPECT_EQ(moved.weight, batch.weight);
}

TEST(BatchTest, PutsExamplesOneBehindTheOther) {
  const FakeDataset data(10);
  const std::vector<std::size_t> examples{3, 7};
  const Batch batch = make_batch(data, examples);
  std::vector<std::int64_t> source, in, out, positions, ids;
  std::vector<float> weights;
  for (const std::size_t i : examples) {
    const Example example = data.get(i);
    source.insert(source.end(), example.source.begin(), example.source.end());
    source.push_back(3);
    in.push_back(2);
    in.insert(in.end(), example.target.begin(), example.target.end());
    out.insert(out.end(), example.target.begin(), example.target.end());
    out.push_back(3);
    for (std::size_t t = 0; t <= example.target.size(); ++t) {
      positions.push_back(static_cast<std::int64_t>(t));
      ids.push_back(static_cast<std::int64_t>(i));
      weights.push_back(example.weight);
    }
  }
  EXPECT_TRUE(torch::equal(batch.source, torch::tensor(source)));
  EXPECT_TRUE(torch::equal(batch.target_in, torch::tensor(in)));
  EXPECT_TRUE(torch::equal(batch.target_out, torch::tensor(out)));
  EXPECT_TRUE(torch::equal(batch.targets.positions, torch::tensor(positions)));
  EXPECT_TRUE(torch::equal(batch.targets.ids, torch::tensor(ids)));
  EXPECT_TRUE(torch::equal(batch.token_weight, torch::tensor(weights)));
  EXPECT_EQ(batch.sources.rows(), static_cast<std::int64_t>(source.size()));
  EXPECT_EQ(batch.targets.length(0), static_cast<std::int64_t>(data.get(3).target.size()) + 1);
  EXPECT_FLOAT_EQ(static_cast<float>(batch.weight), batch.token_weight.sum().item<float>());
}

/// 10 candidates for each of 40 sources.
class CandidatesDataset : public Dataset {
 public:
  std::size_t size() const override { return 400; }
  Example get(std::size_t i) const override {
    return {sources_.get(i / 10).source, sources_.get(i % 40).target, 1.0f, i};
  }

 private:
  FakeDataset sources_{40};
};

TEST(BatchTest, NeighboursOfASourceShareIt) {
  const CandidatesDataset data;
  const std::vector<std::size_t> examples{31, 39, 30, 5, 77};
  const Batch batch = make_batch(data, examples);
  EXPECT_EQ(batch.sources.size(), 3);
  EXPECT_EQ(batch.targets.size(), 5);
  EXPECT_EQ(batch.readers.first, (std::vector<std::int64_t>{0, 3, 4, 5}));
  EXPECT_TRUE(torch::equal(batch.readers.source, torch::tensor(std::vector<std::int64_t>{0, 0, 0, 1, 2})));
  EXPECT_EQ(batch.sources.ids[0].item<std::int64_t>(), 31);
}

TEST(BatchPlanTest, CandidatesTogetherStayTogether) {
  const CandidatesDataset data;
  for (const std::int64_t together : {1, 4, 100}) {
    const ShuffledDataset shuffled(data);
    BatchPlan plan(shuffled, 1, {300, 2, together});
    BatchCursor cursor;
    std::multiset<std::size_t> seen;
    std::size_t sources = 0;
    while (cursor.epoch == 0) {
      for (const auto& leaf : plan.next(cursor)) {
        seen.insert(leaf.begin(), leaf.end());
        if (!leaf.empty()) sources += static_cast<std::size_t>(make_batch(plan.examples(), leaf).sources.size());
      }
    }
    EXPECT_EQ(seen.size(), 400u);
    EXPECT_EQ(std::set<std::size_t>(seen.begin(), seen.end()).size(), 400u);
    // 40 sources of 10: in 4 + 4 + 2, or all together. Groups of one source may come to stand side by side.
    const std::size_t least = together == 1 ? 300 : 40, most = together == 1 ? 400 : together == 4 ? 120 : 40;
    EXPECT_GE(sources, least) << together;
    EXPECT_LE(sources, most) << together;
  }
}

TEST(BatchPlanTest, AnEpochHoldsEveryExampleOnceWithinTheBudget) {
  const FakeDataset data(997);
  const ShuffledDataset shuffled(data);
  BatchPlan plan(shuffled, 1, {200, 4});
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
  BatchPlan plan(shuffled, 1, {100, 2});
  BatchCursor cursor;
  const auto first = next_ids(plan, cursor);
  while (cursor.epoch == 0) plan.next(cursor);
  EXPECT_NE(first, next_ids(plan, cursor));
}

TEST(BatchPlanTest, GoesThroughAllWindowsOfEveryEpoch) {
  const FakeDataset data(997);
  const ManyWindows windows(data);
  BatchPlan plan(windows, 1, {200, 4});
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
  BatchPlan plan(windows, 7, {150, 2});
  BatchCursor cursor;
  for (int i = 0; i < 60; ++i) plan.next(cursor);
  for (int i = 0; i < 60; ++i) {  // within windows, and at their ends
    BatchCursor restored = cursor;
    BatchPlan again(windows, 7, {150, 2});
    const auto expected = next_ids(plan, cursor);
    EXPECT_EQ(next_ids(again, restored), expected);
  }
}

TEST(BatchPlanTest, LeavesAreEven) {
  const FakeDataset data(2000);
  const ShuffledDataset shuffled(data);
  BatchPlan plan(shuffled, 1, {800, 4});
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
