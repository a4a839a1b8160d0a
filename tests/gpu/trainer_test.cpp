#include "rest/train/trainer.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "gpu.hpp"
#include "rest/train/validation.hpp"
#include "unit/train/copy_task.hpp"

namespace rest {
namespace {

class CudaTrainer : public CopyTask {
 protected:
  CudaTrainer() {
    options_.leaves = 4;
    options_.max_updates = 100;
    options_.evaluate_every = 50;
    options_.checkpoint_every = 25;
  }

  TrainingResult train(const char* folder, torch::Device device, std::int64_t fail_at = -1) {
    const Policy start = start_.to(device);
    std::int64_t evaluations = 0;
    const auto evaluate = [&](const Policy& policy) {
      if (++evaluations == fail_at) throw std::runtime_error("killed here");
      return Evaluation{-validation_loss({}, policy, data_, "float32"), {}};
    };
    return Trainer({}, options_,
                   {start, shuffled_, loss_, evaluate, folder_ / folder, make_lineage("policy", {}, {}), "test"})
        .run();
  }
};

TEST_F(CudaTrainer, FollowsTheCpuAndGivesTheSameBitsAgain) {
  NEEDS_A_GPU();
  const TrainingResult here = train("cpu", torch::kCPU), there = train("gpu", gpu());
  EXPECT_NEAR(there.best_score, here.best_score, 5e-2 * std::abs(here.best_score));
  EXPECT_TRUE(torch::equal(train("again", gpu()).best.parameters, there.best.parameters));
}

TEST_F(CudaTrainer, GoesOnAfterAFailureToTheSameBits) {
  NEEDS_A_GPU();
  const TrainingResult whole = train("whole", gpu());
  EXPECT_THROW(train("broken", gpu(), 2), std::runtime_error);  // at update 100; the last checkpoint is 75
  EXPECT_TRUE(torch::equal(train("broken", gpu()).best.parameters, whole.best.parameters));
}

TEST_F(CudaTrainer, GoesOnWithWhatTheCpuBeganAndSaysSo) {
  NEEDS_A_GPU();
  EXPECT_THROW(train("a", torch::kCPU, 2), std::runtime_error);
  const TrainingResult result = train("a", gpu());
  EXPECT_EQ(result.devices.rfind("cpu, then cuda (", 0), 0u) << result.devices;
  EXPECT_FALSE(result.best.parameters.is_cuda());
}

TEST_F(CudaTrainer, Bfloat16Learns) {
  NEEDS_A_GPU();
  options_.precision = "bfloat16";
  options_.max_updates = 300;
  options_.evaluate_every = 300;
  EXPECT_LT(-train("bf16", gpu()).best_score, 0.5 * validation_loss({}, start_, data_, "float32"));
}

}  // namespace
}  // namespace rest
