#include "rest/train/trainer.hpp"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <fstream>

#include "copy_task.hpp"
#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"
#include "rest/train/validation.hpp"

namespace rest {
namespace {

class TrainerTest : public CopyTask {
 protected:
  enum class HowToFail { error, stop };
  TrainingResult train(const std::filesystem::path& directory, std::int64_t fail_at = -1,
                       const Lineage& lineage = make_lineage("policy", {}, {}), HowToFail how = HowToFail::error) {
    std::int64_t evaluations = 0;
    const auto evaluate = [&](const Policy& policy) {
      if (++evaluations == fail_at && how == HowToFail::stop) throw Stopped();
      if (evaluations == fail_at) throw std::runtime_error("killed here");
      return Evaluation{-validation_loss({}, policy, data_, "float32"), {{"kind", "test"}}};
    };
    Trainer trainer({}, options_, {start_, shuffled_, loss_, evaluate, directory, lineage, "test"});
    return trainer.run();
  }

  static std::string text_of(const std::filesystem::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }
};

TEST_F(TrainerTest, LearnsToCopy) {
  options_.max_updates = 300;
  options_.evaluate_every = 100;
  const double before = validation_loss({}, start_, data_, "float32");
  const TrainingResult result = train(folder_ / "a");
  EXPECT_LT(-result.best_score, 0.5 * before);
  EXPECT_NEAR(validation_loss({}, result.best, data_, "float32"), -result.best_score, 1e-12);
}

TEST_F(TrainerTest, TimesUpdatesWithoutWritingAnything) {
  Trainer trainer({}, options_, {start_, shuffled_, loss_, {}, folder_ / "timed", {}, "test"});
  for (int update = 0; update < 12; ++update) EXPECT_GT(trainer.time_update(), 0.0) << "no evaluation at update 10";
  EXPECT_FALSE(std::filesystem::exists(folder_ / "timed"));
}

TEST_F(TrainerTest, GoesOnAfterAFailureToTheSameBytes) {
  const TrainingResult whole = train(folder_ / "whole");
  EXPECT_THROW(train(folder_ / "broken", 3), std::runtime_error);  // at update 30; the last checkpoint is 25
  const TrainingResult resumed = train(folder_ / "broken");
  EXPECT_EQ(resumed.updates, whole.updates);
  EXPECT_EQ(resumed.best_update, whole.best_update);
  EXPECT_TRUE(torch::equal(resumed.best.parameters, whole.best.parameters));
  EXPECT_EQ(text_of(folder_ / "broken" / "metrics.jsonl"), text_of(folder_ / "whole" / "metrics.jsonl"));
}

// A stop in an evaluation: the first one (nothing to save), one of a checkpoint, one between two, and the last.
TEST_F(TrainerTest, GoesOnAfterAStopInAnEvaluationToTheSameBytes) {
  options_.evaluate_first = true;
  options_.checkpoint_every = 20;
  const TrainingResult whole = train(folder_ / "whole");
  for (const std::int64_t stop_at : {1, 2, 3, 5}) {
    const auto directory = folder_ / concat("stopped", stop_at);
    const TrainingResult first = train(directory, stop_at, make_lineage("policy", {}, {}), HowToFail::stop);
    EXPECT_EQ(first.end, TrainingResult::End::stopped);
    EXPECT_EQ(first.updates, 10 * (stop_at - 1));
    const TrainingResult again = train(directory, 1, make_lineage("policy", {}, {}), HowToFail::stop);
    EXPECT_EQ(again.end, TrainingResult::End::stopped);
    EXPECT_EQ(again.updates, first.updates) << "the same evaluation is stopped once more";
    const TrainingResult resumed = train(directory);
    EXPECT_EQ(resumed.best_update, whole.best_update);
    EXPECT_TRUE(torch::equal(resumed.best.parameters, whole.best.parameters));
    for (const char* file : {"metrics.jsonl", "checkpoints/update-00000040/state.json"}) {
      EXPECT_EQ(text_of(directory / file), text_of(folder_ / "whole" / file)) << file << ", stop at " << stop_at;
    }
  }
}

TEST_F(TrainerTest, SpeedGoesToALogOfItsOwn) {
  options_.max_updates = 100;
  const auto evaluate = [](const Policy&) { return Evaluation{0.0, {}}; };
  Trainer({}, options_,
          {start_,
           shuffled_,
           loss_,
           evaluate,
           folder_ / "a",
           make_lineage("policy", {}, {}),
           "test",
           {},
           folder_ / "speed.jsonl"})
      .run();
  std::ifstream in(folder_ / "speed.jsonl");
  std::string line;
  double seconds = 0.0;
  for (const std::int64_t update : {50, 100}) {
    ASSERT_TRUE(std::getline(in, line));
    const auto speed = nlohmann::json::parse(line);
    EXPECT_EQ(speed["update"], update);
    const double now = speed["seconds"];
    EXPECT_NEAR(speed["updates_per_second"].get<double>() * (now - seconds), 50.0, 0.5);
    EXPECT_GT(speed["target_tokens_per_second"], speed["updates_per_second"]);
    EXPECT_EQ(speed["reduction_hidden"], 1.0) << "one rank waits for nobody";
    EXPECT_LT(speed["reduction_share"], 1.0);
    EXPECT_GT(speed["peak_bytes"], 10 << 20);
    seconds = now;
  }
  EXPECT_FALSE(std::getline(in, line));
  EXPECT_EQ(text_of(folder_ / "a" / "metrics.jsonl").find("second"), std::string::npos);
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
  EXPECT_TRUE(torch::equal(train(folder_ / "broken").best.parameters, whole.best.parameters));
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
                  {start_, shuffled_, loss_,
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
  EXPECT_FALSE(torch::equal(full.best.parameters, half.best.parameters));
}

}  // namespace
}  // namespace rest
