#include "rest/inspect/status.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <sstream>

#include "unit/inspect/run_fixture.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

class StatusTest : public RunTest {
 protected:
  std::string text() const { return to_text(read_status(run())); }
  std::string next() const { return next_command(read_status(run())).command; }
};

TEST_F(StatusTest, EmptyRunNeedsPreparing) {
  fs::create_directories(run().root());
  EXPECT_EQ(next(), "rest_prepare EXPERIMENT.toml --run " + run().root().string());
  EXPECT_TRUE(contains(text(), "no tokenizer"));
  EXPECT_TRUE(fs::is_empty(run().root()));
}

TEST_F(StatusTest, NextFollowsTheChain) {
  prepare();
  EXPECT_TRUE(contains(next(), "rest_train " + at("experiment.toml").string() + " --run"));
  train();
  EXPECT_TRUE(contains(next(), "rest_grow"));
  grow_shard(0, shard(0));
  EXPECT_TRUE(contains(text(), "1 of 2 shards, 50.0 %"));
  EXPECT_TRUE(contains(next(), "rest_grow"));
  grow();
  EXPECT_TRUE(contains(next(), "rest_score"));
  score();
  EXPECT_TRUE(contains(next(), "--grow-step 1 --variant bc"));
  improve();
  EXPECT_TRUE(contains(next(), "rest_evaluate"));
  EXPECT_TRUE(contains(text(), "0 of 3 evaluations"));
  evaluate();
  EXPECT_EQ(next(), "");
  EXPECT_TRUE(contains(text(), "all of it is complete"));
}

TEST_F(StatusTest, ALearnedRewardComesBeforeItsColumns) {
  prepare();
  train();
  Experiment experiment = load_experiment(at("experiment.toml"));
  experiment.reward.name = "mine";
  put(at("experiment.toml"), to_toml(experiment));
  EXPECT_TRUE(contains(next(), "rest_reward train " + at("experiment.toml").string() + " --run"));
  EXPECT_TRUE(contains(next(), "--name mine"));
  commit_json(run().learned_reward("mine") / "reward.json", {{"members", 0}}, make_lineage("learned reward", {}, {}));
  EXPECT_TRUE(contains(next(), "rest_grow"));
}

TEST_F(StatusTest, TableShowsRewardsKeptShareAndMootSteps) {
  make_run();
  const std::string table = text();
  EXPECT_TRUE(contains(table, "bc/g1-i1      R > 0.5         62.5 %    0.7000    0.5000  0.6000  12.50  43.25"));
  EXPECT_TRUE(contains(table, "bc/g1-i2      moot: step 1 did not raise the reward"));
  EXPECT_TRUE(contains(table, "3 of 3 steps, best bc/g1-i0"));
}

TEST_F(StatusTest, DamagedRunIsStillShown) {
  make_run();
  truncate(at("grow/g1/shard-00001.h5"));
  put(at("experiment.toml"), "nonsense");
  put(at("improve/bc/g1-i0/step.json"), "{");
  const RunStatus status = read_status(run());
  EXPECT_FALSE(status.experiment_problem.empty());
  EXPECT_EQ(status.grow.at(0).shards, 1);
  EXPECT_TRUE(contains(to_text(status), "rest_prepare EXPERIMENT.toml"));
}

TEST_F(StatusTest, CountsPartsOfAnArrayJobByTheirStaticRanges) {
  prepare();
  train();
  grow_shard(1, shard(1));
  fs::create_directories(at("locks"));
  put(at("locks/grow-g1.part-0-of-2.lock"), "");
  const auto parts = read_status(run()).grow.at(0).parts;
  ASSERT_EQ(parts.size(), 2u);
  EXPECT_EQ(parts[0].shards, 0);
  EXPECT_EQ(parts[1].shards, 1);
  EXPECT_EQ(parts[1].expected, 1);
}

TEST_F(StatusTest, ShowsWhatRunsAndWhatWasLeft) {
  prepare();
  fs::create_directories(at("locks"));
  put(at("locks/train.lock"), "");
  put(at("locks/train.json"), R"({"program": "rest_train", "host": "node7", "pid": 12, "job": "345", "ranks": 4,
    "started": "2026-01-01T00:00:00Z", "updated": "2026-01-01T00:01:00Z", "label": "train g0-i0", "unit": "updates",
    "done": 30, "total": 120, "rate": 0.5, "seconds_left": 180})");
  EXPECT_TRUE(contains(text(), "left by a killed program"));
  EXPECT_TRUE(contains(text(), "last heard of at 2026-01-01T00:01:00Z"));
  const int lock = open(at("locks/train.lock").c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(flock(lock, LOCK_EX | LOCK_NB), 0);
  const std::string running = text();
  EXPECT_TRUE(
      contains(running, "train: rest_train on node7, process 12, 4 ranks, job 345, since 2026-01-01T00:00:00Z"));
  EXPECT_TRUE(contains(running, "train g0-i0: 30 of 120 updates (25.0 %), 0.50 updates/s, 3 min 0 s left"));
  EXPECT_TRUE(contains(running, "next, when that is done:\n  "));
  EXPECT_TRUE(contains(next(), "rest_grow"));
  close(lock);
}

TEST_F(StatusTest, AVariantGoesOnWithTheOptionsItWasBegunWith) {
  prepare();
  train();
  grow();
  score();
  save_policy(run().improve("mine", 1, 0), 1.0f,
              make_lineage("policy", {}, {{"improve", {{"seed", 7}, {"loss", "bc"}, {"unheard_of", 1}}}}));
  EXPECT_TRUE(contains(next() + "|", "--variant mine --set improve.seed=7|"));
}

TEST_F(StatusTest, LinesFitATerminal) {
  make_run();
  for (const char* part : {"report", "log", "locks", "damaged"}) {
    fs::create_directories(at(part));
    put(at(part) / "file", std::string(5000, 'x'));
  }
  const std::string shown = text(), root = run().root().string();
  std::istringstream lines(shown);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(root) != std::string::npos) continue;
    EXPECT_LE(line.size(), 120u) << line;
  }
  EXPECT_TRUE(contains(shown, "of it 6 checkpoints"));
}

TEST_F(StatusTest, JsonSaysTheSame) {
  make_run();
  const auto json = to_json(read_status(run()));
  EXPECT_TRUE(json.at("prepared"));
  EXPECT_EQ(json.at("grow").at(0).at("scored").at("chrf"), 2);
  EXPECT_EQ(json.at("improve").at(0).at("steps").at(1).at("step").at("kept_share"), 0.625);
  EXPECT_EQ(json.at("initial").at("metrics").at("valid").at("greedy").at("bleu"), 12.5);
  EXPECT_TRUE(json.at("next").at("command").is_null());
}

TEST_F(StatusTest, CommandsQuoteWhatAShellWouldSplit) {
  const RunDirectory odd(dir() / "a run's");
  fs::create_directories(odd.root());
  EXPECT_TRUE(contains(next_command(read_status(odd)).command, "a run'\\''s'"));
}

}  // namespace
}  // namespace rest
