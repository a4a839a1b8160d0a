#include "rest/train/trainer.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>

#include "copy_dataset.hpp"
#include "rest/core/error.hpp"
#include "rest/train/validation.hpp"
#include "support/temporary_directory.hpp"

namespace rest {
namespace {

class TrainerTest : public ::testing::Test {
 protected:
  TrainerTest() {
    ModelOptions model;
    model.preset = "mini";
    model.hidden = 16, model.feed_forward = 32, model.heads = 2, model.encoder_layers = model.decoder_layers = 1;
    start_.config = make_config(model, 10);
    start_.parameters = initial_parameters(make_layout(start_.config), 1);
    options_.tokens_per_update = 128;
    options_.leaves = 2;
    options_.learning_rate = 1e-2;
    options_.warmup_updates = 10;
    options_.max_updates = 40;
    options_.dropout = 0.1;
    options_.evaluate_every = 10;
    options_.checkpoint_every = 5;
    options_.adam.average_decay = 0.9;
  }

  TrainingResult train(const std::filesystem::path& directory, std::int64_t fail_at = -1,
                       const Lineage& lineage = make_lineage("policy", {}, {})) {
    std::int64_t evaluations = 0;
    const auto evaluate = [&](const Policy& policy) {
      if (++evaluations == fail_at) throw std::runtime_error("killed here");
      return Evaluation{-validation_loss({}, policy, data_, "float32"), {{"kind", "test"}}};
    };
    Trainer trainer({}, options_, {start_, data_, loss_, evaluate, directory, lineage, "test"});
    return trainer.run();
  }

  static std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  TemporaryDirectory folder_;
  CopyDataset data_;
  CrossEntropyLoss loss_{0.1};
  Policy start_;
  TrainerOptions options_;
};

TEST_F(TrainerTest, LearnsToCopy) {
  options_.max_updates = 300;
  options_.evaluate_every = 100;
  const double before = validation_loss({}, start_, data_, "float32");
  const TrainingResult result = train(folder_ / "a");
  EXPECT_LT(-result.best_score, 0.5 * before);
  Policy trained = start_;
  trained.parameters = result.best_parameters;
  EXPECT_NEAR(validation_loss({}, trained, data_, "float32"), -result.best_score, 1e-12);
}

TEST_F(TrainerTest, GoesOnAfterAFailureToTheSameBytes) {
  const TrainingResult whole = train(folder_ / "whole");
  EXPECT_THROW(train(folder_ / "broken", 3), std::runtime_error);  // at update 30; the last checkpoint is 25
  const TrainingResult resumed = train(folder_ / "broken");
  EXPECT_EQ(resumed.updates, whole.updates);
  EXPECT_EQ(resumed.best_update, whole.best_update);
  EXPECT_TRUE(torch::equal(resumed.best_parameters, whole.best_parameters));
  EXPECT_EQ(text_of(folder_ / "broken" / "metrics.jsonl"), text_of(folder_ / "whole" / "metrics.jsonl"));
}

TEST_F(TrainerTest, ADamagedCheckpointFallsBackToTheOneBefore) {
  const TrainingResult whole = train(folder_ / "whole");
  EXPECT_THROW(train(folder_ / "broken", 3), std::runtime_error);
  const auto newest = folder_ / "broken" / "checkpoints" / "update-00000025" / "state.safetensors";
  ASSERT_TRUE(std::filesystem::exists(newest));
  {
    std::fstream bytes(newest, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(-8, std::ios::end);
    bytes.put('\x55');
  }
  EXPECT_TRUE(torch::equal(train(folder_ / "broken").best_parameters, whole.best_parameters));
}

TEST_F(TrainerTest, ACheckpointOfOtherOptionsIsRefusedByName) {
  EXPECT_THROW(train(folder_ / "a", 3, make_lineage("policy", {}, {{"seed", 1}})), std::runtime_error);
  try {
    train(folder_ / "a", -1, make_lineage("policy", {}, {{"seed", 2}}));
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("seed"), std::string::npos) << error.what();
  }
}

TEST_F(TrainerTest, PatienceEndsItAndTheBestIsKept) {
  options_.max_updates = 400;
  options_.patience = 2;
  std::int64_t evaluations = 0;
  Trainer trainer({}, options_,
                  {start_, data_, loss_,
                   [&](const Policy&) {
                     return Evaluation{++evaluations == 2 ? 1.0 : 0.0, {}};
                   },
                   folder_ / "a", make_lineage("policy", {}, {}), "test"});
  const TrainingResult result = trainer.run();
  EXPECT_EQ(result.best_update, 20);
  EXPECT_EQ(result.updates, 40);
}

TEST_F(TrainerTest, TheUpdatesOfGpusFollowTheCpus) {
  options_.max_updates = 100;
  options_.evaluate_every = 100;
  const TrainingResult natively = train(folder_ / "natively");
  options_.adam.kernels = Kernels::operators;
  const TrainingResult by_operators = train(folder_ / "operators");
  EXPECT_NEAR(by_operators.best_score, natively.best_score, 1e-2 * std::abs(natively.best_score));
}

TEST_F(TrainerTest, RemembersEveryDeviceThatTookPart) {
  EXPECT_EQ(train(folder_ / "a").devices, "cpu");
  EXPECT_THROW(train(folder_ / "b", 3), std::runtime_error);
  const auto state = folder_ / "b" / "checkpoints" / "update-00000025";
  const Lineage lineage = make_lineage("policy", {}, {});
  auto begun_elsewhere = read_json(state / "state.json");
  begun_elsewhere["devices"] = {"cuda (a GPU)"};
  const auto weights = text_of(state / "state.safetensors");
  commit_directory(state, lineage, [&](const std::filesystem::path& directory) {
    std::ofstream(directory / "state.json") << begun_elsewhere;
    std::ofstream(directory / "state.safetensors") << weights;
  });
  EXPECT_EQ(train(folder_ / "b").devices, "cuda (a GPU), then cpu");
}

TEST_F(TrainerTest, Bfloat16FollowsFloat32) {
  options_.max_updates = 100;
  options_.evaluate_every = 100;
  const TrainingResult full = train(folder_ / "full");
  options_.precision = "bfloat16";
  const TrainingResult half = train(folder_ / "half");
  EXPECT_NEAR(half.best_score, full.best_score, 0.1 * std::abs(full.best_score));
  EXPECT_FALSE(torch::equal(full.best_parameters, half.best_parameters));
}

}  // namespace
}  // namespace rest
