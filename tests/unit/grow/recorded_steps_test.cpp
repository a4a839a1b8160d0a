#include "grow/decoder/recorded_steps.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

namespace rest {
namespace {

/// "Launches" by doing the work again, on the CPU.
class FakeRecorder : public LaunchRecorder {
 public:
  explicit FakeRecorder(int& recordings) : recordings_(recordings) {}
  std::unique_ptr<LaunchGraph> record(const std::function<void()>& work) override {
    ++recordings_;
    struct Graph : LaunchGraph {
      std::function<void()> work;
      void launch() override { work(); }
    };
    auto graph = std::make_unique<Graph>();
    graph->work = work;
    return graph;
  }

 private:
  int& recordings_;
};

class RecordedStepsTest : public testing::Test {
 protected:
  RecordedStepsTest()
      : steps_([](const at::Tensor& x, const StepTable& table) { return x + table.tokens.unsqueeze(1); },
               [this] { return std::make_unique<FakeRecorder>(recordings_); }) {}

  /// Runs a step of `rows` and checks what comes out.
  void run(std::int64_t rows) {
    StepTable table;
    const at::Tensor room = table_.narrow(0, 0, rows);
    room.fill_(++step_);
    table.tokens = room;
    const at::Tensor x = torch::full({rows, 3}, 0.5);
    EXPECT_TRUE(torch::equal(steps_.run(x, table, {cache_}), x + static_cast<double>(step_))) << "step " << step_;
  }

  int recordings_ = 0;
  std::int64_t step_ = 0;
  at::Tensor table_ = torch::zeros({64}, torch::kInt64), cache_ = torch::zeros({4});
  RecordedSteps steps_;
};

TEST_F(RecordedStepsTest, each_size_is_recorded_once_at_its_second_step) {
  for (const std::int64_t rows : {8, 16, 8, 8, 16, 8, 16}) run(rows);
  EXPECT_EQ(recordings_, 2);
}

TEST_F(RecordedStepsTest, all_are_recorded_anew_when_a_cache_or_the_table_has_moved) {
  for (int i = 0; i < 3; ++i) run(8);
  EXPECT_EQ(recordings_, 1);
  const at::Tensor before = cache_, table_before = table_;  // kept: else the new ones may get the same memory
  cache_ = torch::zeros({8});
  for (int i = 0; i < 3; ++i) run(8);
  EXPECT_EQ(recordings_, 2);
  table_ = torch::zeros({128}, torch::kInt64);
  for (int i = 0; i < 3; ++i) run(8);
  EXPECT_EQ(recordings_, 3);
}

TEST(padded_rows, few_sizes_serve_all_steps) {
  EXPECT_EQ(padded_rows(1), 8);
  EXPECT_EQ(padded_rows(8), 8);
  EXPECT_EQ(padded_rows(9), 12);
  EXPECT_EQ(padded_rows(13), 16);
  EXPECT_EQ(padded_rows(97), 128);
  EXPECT_EQ(padded_rows(384), 384);
  EXPECT_EQ(padded_rows(512), 512);
}

}  // namespace
}  // namespace rest
