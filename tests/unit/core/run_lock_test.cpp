#include "rest/core/run_lock.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <thread>

#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"
#include "support/temporary_directory.hpp"

namespace rest {
namespace {

class RunLockTest : public ::testing::Test {
 protected:
  std::unique_ptr<RunLock> lock(const WorkName& work) const {
    return std::make_unique<RunLock>(run_, work, "rest_test", 3);
  }
  std::string refusal(const WorkName& work) const {
    try {
      lock(work);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "not refused";
  }
  nlohmann::json status(const std::string& name) const { return read_json(run_.locks() / (name + ".json")); }

  TemporaryDirectory folder_;
  const RunDirectory run_{folder_ / "run"};
};

TEST_F(RunLockTest, ASecondOneIsRefusedWithTheNameOfTheFirst) {
  const auto first = lock({"train", ""});
  const std::string words = refusal({"train", ""});
  for (const std::string& part : {std::string("train"), run_.root().string(), std::string("rest_test"),
                                  concat("process ", getpid()), std::string("since 20")}) {
    EXPECT_NE(words.find(part), std::string::npos) << part << " is not in: " << words;
  }
  lock({"prepare", ""});  // other work of the same run
}

TEST_F(RunLockTest, IsFreeAgainAtItsEndAndLeavesNoStatus) {
  lock({"train", ""});
  EXPECT_FALSE(std::filesystem::exists(run_.locks() / "train.json"));
  EXPECT_EQ(std::filesystem::file_size(run_.locks() / "train.lock"), 0u);
  lock({"train", ""});
}

TEST_F(RunLockTest, PartsWorkBesideEachOtherButNotBesideTheWhole) {
  auto first = lock(grow_work(1, 2, 8));
  const auto second = lock(grow_work(1, 3, 8));
  EXPECT_NE(refusal(grow_work(1, 2, 8)).find("grow-g1.part-2-of-8"), std::string::npos);
  const std::string words = refusal(grow_work(1));
  EXPECT_NE(words.find("rest_test"), std::string::npos) << words;
  lock(grow_work(2));
  first.reset();
  EXPECT_NE(refusal(grow_work(1)), "not refused");
}

TEST_F(RunLockTest, TheWholeKeepsPartsOut) {
  const auto whole = lock(grow_work(1));
  EXPECT_NE(refusal(grow_work(1, 0, 2)).find("grow-g1"), std::string::npos);
}

TEST_F(RunLockTest, TheStatusSaysWhoWorksAndHowFarItIs) {
  const auto held = lock(score_work(1, "chrf"));
  nlohmann::json told = status("score-g1-chrf");
  EXPECT_EQ(told["program"], "rest_test");
  EXPECT_EQ(told["pid"], getpid());
  EXPECT_EQ(told["ranks"], 3);
  EXPECT_EQ(told["seconds_left"], nullptr);
  EXPECT_EQ(told["job"], "");
  held->report({"score", "shards", 0, 10});
  held->report({"score", "shards", 1, 10, 0.5, 18.0});  // too soon after
  EXPECT_EQ(status("score-g1-chrf")["label"], "score");
  EXPECT_EQ(status("score-g1-chrf")["done"], 0);
  std::this_thread::sleep_for(std::chrono::milliseconds(2050));
  held->report({"score", "shards", 2, 10, 0.5, 16.0});
  told = status("score-g1-chrf");
  EXPECT_EQ(told["label"], "score");
  EXPECT_EQ(told["unit"], "shards");
  EXPECT_EQ(told["done"], 2);
  EXPECT_EQ(told["total"], 10);
  EXPECT_EQ(told["rate"], 0.5);
  EXPECT_EQ(told["seconds_left"], 16.0);
}

TEST_F(RunLockTest, NamesFollowTheWork) {
  EXPECT_EQ(grow_work(1).name, "grow-g1");
  EXPECT_EQ(grow_work(3, 0, 4).name, "grow-g3.part-0-of-4");
  EXPECT_EQ(grow_work(3, 0, 4).whole, "grow-g3");
  EXPECT_EQ(improve_work("bc", 2).name, "improve-bc-g2");
  EXPECT_EQ(evaluate_work("run/metrics/bc_g1-i2.valid.json").name, "evaluate-bc_g1-i2.valid");
}

// The kernel gives the lock back, and what the killed process said stays behind.
TEST_F(RunLockTest, AKilledHolderLeavesTheLockFree) {
  const pid_t child = fork();
  if (child == 0) {
    const auto held = lock({"train", ""});
    std::ofstream(folder_ / "ready") << "yes";
    pause();
    _exit(0);
  }
  while (!std::filesystem::exists(folder_ / "ready")) usleep(1000);
  EXPECT_NE(refusal({"train", ""}).find(concat("process ", child)), std::string::npos);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_TRUE(std::filesystem::exists(run_.locks() / "train.json"));
  const auto held = lock({"train", ""});
  EXPECT_EQ(status("train")["pid"], getpid());
}

TEST_F(RunLockTest, AFolderThatCannotBeMadeIsNamed) {
  std::filesystem::create_directories(run_.root());
  std::ofstream(run_.locks()) << "a file";
  try {
    lock({"train", ""});
    FAIL() << "locked";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("train.lock"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace rest
