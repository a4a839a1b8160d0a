#include "rest/reward/process.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "rest/core/error.hpp"
#include "support/temporary_directory.hpp"

namespace rest {
namespace {

class ProcessRewardTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { start_spawner(); }

  /// A program that gets ready, and for each line runs `body`, where $n is the number of the batch.
  static RewardOptions program(const std::string& body, const std::string& ready = R"({"needs_reference": false})") {
    RewardOptions options;
    options.name = "mine";
    options.command = "echo '" + ready + "'; n=0; while read -r line; do n=$((n + 1)); " + body + "; done";
    options.batch = 2;
    options.timeout_seconds = 10.0;
    return options;
  }
  static std::string two(const std::string& values) {
    return R"(echo "{\"batch\": $n, \"rewards\": )" + values + "}\"";
  }
  /// What scoring two texts is refused for.
  std::string refusal(const RewardOptions& options) {
    try {
      ProcessReward(options).score(texts(2));
    } catch (const Error& problem) {
      return problem.what();
    }
    return "";
  }
  std::vector<ScoredText> texts(std::size_t count) const {
    return std::vector<ScoredText>(count, {source_, text_, &text_});
  }

  const std::string source_ = "a dog", text_ = "ein \"Hund\"\t\xff";
  TemporaryDirectory folder_;
};

TEST_F(ProcessRewardTest, IsAskedInBatchesAndAnswersInOrder) {
  RewardOptions options = program(R"(case $n in 3) echo '{"batch": 3, "rewards": [0.5]}';; *) echo "{\"batch\": $n, )"
                                  R"(\"rewards\": [0.$n, 1]}";; esac)");
  const ProcessReward reward(options);
  EXPECT_EQ(reward.name(), "mine");
  EXPECT_FALSE(reward.needs_reference());
  EXPECT_EQ(reward.score(texts(5)), (std::vector<float>{0.1f, 1.0f, 0.2f, 1.0f, 0.5f}));
  EXPECT_EQ(reward.identity().at("command"), options.command);
}

TEST_F(ProcessRewardTest, IsToldTheTexts) {
  const std::string seen = (folder_.path() / "seen").string();
  const std::string keep = "printf '%s\\n' \"$line\" >>'" + seen + "'; " + two("[0, 1]");
  ProcessReward(program(keep, R"({"needs_reference": true})")).score(texts(2));
  ProcessReward(program(keep)).score(texts(2));
  std::ifstream lines(seen);
  std::string line;
  std::getline(lines, line);
  const auto with = nlohmann::json::parse(line);
  EXPECT_EQ(with.at("batch"), 1);
  EXPECT_EQ(with.at("texts").size(), 2u);
  EXPECT_EQ(with.at("texts").at(1).at("source"), "a dog");
  EXPECT_EQ(with.at("texts").at(1).at("candidate"), "ein \"Hund\"\t\xef\xbf\xbd");
  EXPECT_TRUE(with.at("texts").at(1).contains("reference"));
  std::getline(lines, line);
  EXPECT_FALSE(nlohmann::json::parse(line).at("texts").at(0).contains("reference"));
}

TEST_F(ProcessRewardTest, OneThatDiesIsStartedAgainAndAskedAgain) {
  const std::string mark = (folder_.path() / "died").string();
  const std::string dies_once = "[ -e '" + mark + "' ] || { touch '" + mark + "'; kill -9 $$; }; ";
  EXPECT_EQ(ProcessReward(program(dies_once + two("[0, 1]"))).score(texts(2)), (std::vector<float>{0.0f, 1.0f}));
  EXPECT_NE(refusal(program("exit 4")).find("failed in batch 1 (it ended with exit code 4, 3 times"),
            std::string::npos);
}

TEST_F(ProcessRewardTest, SilenceEnds) {
  RewardOptions options = program("sleep 100");
  options.timeout_seconds = 0.2;
  EXPECT_NE(refusal(options).find("it said nothing for 0.2 s, 3 times"), std::string::npos);
  options = program(":", "");
  options.command = "sleep 100";
  options.start_seconds = 0.2;
  EXPECT_NE(refusal(options).find("failed before it was ready (it said nothing for 0.2 s"), std::string::npos);
}

TEST_F(ProcessRewardTest, WrongAnswersAreRefusedInWords) {
  for (const auto& [values, words] : {std::pair{"[0.5]", "it gave 1 rewards for 2 texts"},
                                      {"[0.5, 0.5, 0.5]", "it gave 3 rewards for 2 texts"},
                                      {"[0.5, NaN]", "it said \""},
                                      {"[0.5, null]", "reward 2 is null, not a number from 0 to 1"},
                                      {"[1.5, 0]", "reward 1 is 1.5, not a number from 0 to 1"},
                                      {"[-0.1, 0]", "reward 1 is -0.1"},
                                      {"7", "it said \""}}) {
    const std::string message = refusal(program(two(values)));
    EXPECT_NE(message.find(words), std::string::npos) << values << ": " << message;
    EXPECT_NE(message.find("its command: echo"), std::string::npos) << message;
  }
  EXPECT_NE(refusal(program(R"(echo '{"batch": 9, "rewards": [0, 0]}')")).find("it answered batch 9"),
            std::string::npos);
  EXPECT_NE(refusal(program("echo garbage")).find("it said \"garbage\""), std::string::npos);
  EXPECT_NE(refusal(program(":", "hello")).find("before it was ready (it said \"hello\""), std::string::npos);
  EXPECT_NE(refusal(program(":", R"({"needs_reference": 1})")).find("before it was ready"), std::string::npos);
  RewardOptions missing = program(":");
  missing.command = "/nowhere/scorer 2>/dev/null";
  EXPECT_NE(refusal(missing).find("it ended with exit code 127"), std::string::npos);
}

TEST_F(ProcessRewardTest, ANeededReferenceThatIsMissingIsNamed) {
  const ProcessReward reward(program(two("[0, 0]"), R"({"needs_reference": true})"));
  EXPECT_THROW(reward.score(std::vector<ScoredText>{{source_, text_}}), Error);
}

TEST_F(ProcessRewardTest, TheExperimentChooses) {
  const RewardOptions options = program(two("[0, 1]"));
  const RunDirectory run("nowhere");
  EXPECT_EQ(make_reward(options, run, torch::kCPU)->name(), "mine");
  EXPECT_EQ(make_reward(options, run, torch::kCPU, "chrf")->name(), "chrf");
  EXPECT_THROW(make_reward(options, run, torch::kCPU, "other"), UsageError);
  EXPECT_EQ(make_reward(RewardOptions{}, run, torch::kCPU)->identity(), "chrf");
  const nlohmann::json identity = {{"name", "mine"}, {"command", options.command}};
  EXPECT_EQ(make_reward(options, run, torch::kCPU)->identity(), identity);
  RewardOptions both;
  both.name = "both";
  both.of = {"chrf", "bleu"};
  EXPECT_EQ(make_reward(both, run, torch::kCPU)->identity()["of"], nlohmann::json({"chrf", "bleu"}));
  both.of = {"chrf", "other"};
  EXPECT_THROW(make_reward(both, run, torch::kCPU), UsageError);
}

}  // namespace
}  // namespace rest
