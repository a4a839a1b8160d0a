#include "rest/inspect/verify.hpp"

#include "rest/inspect/activity.hpp"
#include "unit/inspect/run_fixture.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

class VerifyTest : public RunTest {
 protected:
  /// Exactly these paths are wrong.
  static testing::AssertionResult are(const std::map<std::string, std::string>& wrong, std::vector<std::string> paths) {
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> found;
    for (const auto& [path, line] : wrong) found.push_back(path);
    if (found == paths) return testing::AssertionSuccess();
    auto failure = testing::AssertionFailure();
    for (const auto& [path, line] : wrong) failure << line << '\n';
    return failure;
  }
  void repair() const {
    const WholeRunLock lock(run());
    VerifyOptions options;
    options.lock = &lock;
    repair_run(run(), verify_run(run(), options), lock);
  }
};

const std::string shard_1 = "grow/g1/shard-00001.h5", reward_1 = "grow/g1/rewards/chrf/shard-00001.h5";

TEST_F(VerifyTest, CompleteRunHasNothingWrong) {
  make_run();
  const VerifyReport report = verify_run(run());
  EXPECT_TRUE(report.findings.empty()) << report.findings.front().line();
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(report.artefacts, 29u);
}

TEST_F(VerifyTest, UnfinishedRunHasNothingWrong) {
  fs::create_directories(run().root());
  EXPECT_TRUE(wrong().empty());
  prepare();
  EXPECT_TRUE(wrong().empty());
  train();
  EXPECT_TRUE(wrong().empty());
  grow_shard(1, shard(1));
  EXPECT_TRUE(wrong().empty());
}

TEST_F(VerifyTest, AlteredBytesAreFoundByHashingAlone) {
  make_run();
  for (const char* path : {"tokenizer/tokenizer.model", "policy/g0-i0/model.safetensors", "metrics/g0-i0.valid.json"}) {
    const std::string bytes = bytes_of(at(path));
    flip_middle_byte(at(path));
    const auto found = wrong();
    EXPECT_TRUE(are(found, {path}));
    EXPECT_TRUE(contains(found.at(path), "SHA-256"));
    put(at(path), bytes);
  }
  // A byte of a tensor is none that a reader could find wrong.
  std::string bytes = bytes_of(at("policy/g0-i0/model.safetensors"));
  bytes[bytes.size() - 2] ^= 1;
  put(at("policy/g0-i0/model.safetensors"), bytes);
  EXPECT_TRUE(wrong(Hashing::off).empty());
  EXPECT_TRUE(are(wrong(), {"policy/g0-i0/model.safetensors"}));
}

TEST_F(VerifyTest, TruncatedMissingAndUnrecordedOnesAreNamed) {
  make_run();
  truncate(at(shard_1));
  fs::remove(at(reward_1));
  fs::remove(at("improve/bc/g1-i1/model.safetensors.commit.json"));
  put(at("corpus/train.h5.commit.json"), "{");
  const auto found = wrong();
  ASSERT_TRUE(are(found, {shard_1, reward_1, "improve/bc/g1-i1/model.safetensors", "corpus/train.h5"}));
  EXPECT_EQ(
      found.at(shard_1),
      shard_1 +
          " is damaged (it has another size than its commit record says); rest_grow --grow-step 1 makes it again");
  EXPECT_TRUE(contains(found.at(reward_1), "rest_score --grow-step 1 --reward chrf"));
  EXPECT_TRUE(contains(found.at("improve/bc/g1-i1/model.safetensors"), "no commit record"));
  EXPECT_TRUE(contains(found.at("corpus/train.h5"), "rest_prepare"));
}

TEST_F(VerifyTest, WhatIsGoneWithItsRecordIsMissedByWhatNeedsIt) {
  make_run();
  for (const char* path : {"grow/g1/shard-00000.h5", "policy/g0-i0/config.json", "corpus/valid.report.json",
                           "improve/bc/g1-i0/step.json", "improve/bc/g1-i1/model.safetensors"}) {
    remove_committed(at(path));
    const auto found = wrong();
    ASSERT_EQ(found.count(path), 1u) << path;
    EXPECT_TRUE(contains(found.at(path), "is missing"));
  }
  EXPECT_EQ(wrong().size(), 5u);
}

TEST_F(VerifyTest, ContentIsLookedAtWhereTheRecordIsRight) {
  make_run();
  if (!alter(at(shard_1), "h['tokens'][0] = 60000")) GTEST_SKIP() << "no h5py";
  EXPECT_TRUE(contains(wrong().at(shard_1), "60000"));
  EXPECT_TRUE(are(wrong(Hashing::off), {shard_1}));  // what was made from the right one is not blamed
  grow_shard(1, shard(1));
  ASSERT_TRUE(alter(at(shard_1), "h['count'][0] = 2"));
  EXPECT_TRUE(contains(wrong().at(shard_1), "3 samples"));
  grow_shard(1, shard(1));
  ASSERT_TRUE(alter(at(shard_1), "h['log_prob'][0] = -np.inf"));
  EXPECT_TRUE(contains(wrong().at(shard_1), "finite"));
  grow_shard(1, shard(1));
  EXPECT_TRUE(wrong().empty());
  ASSERT_TRUE(alter(at(reward_1), "h['reward'][0] = 1.5"));
  EXPECT_TRUE(contains(wrong().at(reward_1), "[0, 1]"));
}

TEST_F(VerifyTest, SwappedShardsDoNotPassForEachOther) {
  make_run();
  const fs::path a = at("grow/g1/shard-00000.h5"), b = at(shard_1);
  for (const std::string end : {"", ".commit.json"}) {
    fs::rename(a.string() + end, dir() / "kept");
    fs::rename(b.string() + end, a.string() + end);
    fs::rename(dir() / "kept", b.string() + end);
  }
  const auto found = wrong();
  EXPECT_TRUE(are(found, {"grow/g1/shard-00000.h5", shard_1}));
  EXPECT_TRUE(contains(found.at(shard_1), "record of another file"));
  // Renamed in their records too, they are still not where they belong.
  for (const fs::path& file : {a, b}) {
    nlohmann::json record = read_json(file.string() + ".commit.json");
    record["name"] = file.filename().string();
    put(file.string() + ".commit.json", record.dump());
  }
  EXPECT_TRUE(contains(wrong().at(shard_1), "another shard"));
}

TEST_F(VerifyTest, RewardsOfOtherCandidatesAreNamed) {
  make_run();
  const std::string other(64, 'a');
  remove_committed(at(reward_1));
  write_rewards(at(reward_1), {"chrf", other, std::vector<float>(6, 0.5f)},
                make_lineage("reward", {{"shard", other}}, {}));
  const auto found = wrong();
  EXPECT_TRUE(are(found, {reward_1}));
  EXPECT_TRUE(contains(found.at(reward_1), "no longer fits"));
}

TEST_F(VerifyTest, RewardsWithOtherColumnsThanTheirShardAreNamed) {
  make_run();
  const Lineage lineage = find_committed(at(reward_1)).value().lineage;
  CandidateColumns candidates(shard(1));
  ++candidates.count[2];
  remove_committed(at(reward_1));
  write_rewards(at(reward_1), {"chrf", digest(at(shard_1)), std::vector<float>(candidates.size(), 0.75f), candidates},
                lineage);
  EXPECT_TRUE(contains(wrong().at(reward_1), "columns of the candidates are not the shard's"));
}

TEST_F(VerifyTest, WhatIsMadeFromAnotherPolicyNoLongerFitsDownToTheMetrics) {
  make_run();
  remove_committed(at("policy/g0-i0/model.safetensors"));
  train(0.25f);
  const auto found = wrong();
  for (const std::string& path :
       {std::string("grow/g1/shard-00000.h5"), shard_1, reward_1, std::string("grow/g1/index.h5"),
        std::string("improve/bc/g1-i0/model.safetensors"), std::string("improve/bc/g1-i1/checkpoints/update-00000020"),
        std::string("improve/bc/g1-i1/step.json"), std::string("improve/bc/g1-best.json"),
        std::string("metrics/g0-i0.valid.json"), std::string("metrics/bc_g1-i1.valid.json")}) {
    ASSERT_EQ(found.count(path), 1u) << path;
    EXPECT_TRUE(contains(found.at(path), "no longer fits"));
  }
  EXPECT_EQ(found.count("policy/g0-i0/model.safetensors"), 0u);
  EXPECT_EQ(found.count("corpus/train.h5"), 0u);
}

TEST_F(VerifyTest, APolicyInTrainingHidesNothing) {
  make_run();
  remove_committed(at("improve/bc/g1-i1/model.safetensors"));
  remove_committed(at("improve/bc/g1-i1/step.json"));
  remove_committed(at("policy/g0-i0/model.safetensors"));
  train(0.25f);
  EXPECT_TRUE(contains(wrong().at(shard_1), "no longer fits"));
}

TEST_F(VerifyTest, OtherCandidatesThanAnImproveStepSawAreNoticed) {
  make_run();
  CandidateShard other = shard(1);
  other.log_prob[0] = -1.5f;
  remove_committed(at(shard_1));
  grow_shard(1, other);
  score();
  const auto found = wrong();
  EXPECT_TRUE(contains(found.at("improve/bc/g1-i0/model.safetensors"), "other candidates"));
  EXPECT_EQ(found.count(shard_1) + found.count(reward_1) + found.count("grow/g1/index.h5"), 0u);
}

TEST_F(VerifyTest, TamperedLineageIsNamed) {
  make_run();
  change_input(at("metrics/bc_g1-i1.valid.json"), "policy", std::string(64, '0'));
  change_input(at(shard_1), "policy", std::string(64, '0'));
  const auto found = wrong();
  EXPECT_TRUE(are(found, {"metrics/bc_g1-i1.valid.json", shard_1}));
  EXPECT_TRUE(contains(found.at("metrics/bc_g1-i1.valid.json"), "rest_evaluate --policy bc/g1-i1 --corpus valid"));
}

TEST_F(VerifyTest, JsonRecordsAreLookedInto) {
  make_run();
  const auto put_json = [&](const std::string& path, const nlohmann::json& content) {
    const Lineage lineage = find_committed(at(path)).value().lineage;
    commit_json(at(path), content, lineage);
  };
  put_json("improve/bc/g1-i0/step.json", {{"step", 0}});
  put_json("improve/bc/g1-best.json", {{"policy", "bc/g1-i1"}, {"reward", 0.9}});
  put_json("policy/g0-i0/config.json", {{"hidden", 2}});
  put_json("corpus/valid.report.json", {{"sentences", 7}});
  EXPECT_TRUE(are(wrong(), {"improve/bc/g1-i0/step.json", "improve/bc/g1-best.json", "policy/g0-i0/config.json",
                            "corpus/valid.report.json"}));
}

TEST_F(VerifyTest, CheckpointsAndTemporariesAreLookedAt) {
  make_run();
  flip_middle_byte(at("policy/g0-i0/checkpoints/update-00000010/state.safetensors"));
  put(at("grow/g1/shard-00007.h5.tmp"), "half");
  fs::create_directories(at("policy/g0-i0/checkpoints/update-00000030.tmp"));
  EXPECT_TRUE(are(wrong(), {"policy/g0-i0/checkpoints/update-00000010", "grow/g1/shard-00007.h5.tmp",
                            "policy/g0-i0/checkpoints/update-00000030.tmp"}));
}

TEST_F(VerifyTest, StrangersAndLogsAreOnlyNoted) {
  make_run();
  put(at("grow/g1/notes.txt"), "mine");
  put(at("policy/g0-i0/metrics.jsonl"), "{\"update\": 10}\n{\"upd");
  const VerifyReport report = verify_run(run());
  EXPECT_TRUE(report.clean());
  EXPECT_EQ(report.findings.size(), 2u);
}

TEST_F(VerifyTest, TextsThatChangedAreNoted) {
  make_run();
  const fs::path text = dir() / "train.src";
  put(text, "one\n");
  Experiment experiment;
  experiment.data.train_source = text.string();
  put(at("experiment.toml"), to_toml(experiment));
  change_input(at("tokenizer/tokenizer.model"), "train_source", sha256("one\n"));
  EXPECT_TRUE(verify_run(run()).findings.empty());
  for (const char* words : {"has changed", "is not there"}) {
    if (words == std::string("has changed")) {
      put(text, "two\n");
    } else {
      fs::remove(text);
    }
    const VerifyReport report = verify_run(run());
    EXPECT_TRUE(report.clean());
    ASSERT_EQ(report.findings.size(), 1u);
    EXPECT_TRUE(contains(report.findings[0].line(), words));
  }
}

TEST_F(VerifyTest, RepairMakesWhatIsWrongAbsentAndTouchesNothingElse) {
  make_run();
  const std::string kept = bytes_of(at("grow/g1/shard-00000.h5"));
  flip_middle_byte(at(shard_1));
  const std::string damaged = bytes_of(at(shard_1));
  fs::remove(at(reward_1));
  put(at("corpus/train.h5.tmp"), "half");
  repair();
  EXPECT_FALSE(fs::exists(at(shard_1)));
  EXPECT_FALSE(fs::exists(at(shard_1 + ".commit.json")));
  EXPECT_FALSE(fs::exists(at(reward_1 + ".commit.json")));
  EXPECT_FALSE(fs::exists(at("corpus/train.h5.tmp")));
  EXPECT_EQ(bytes_of(at("damaged/" + shard_1)), damaged);
  EXPECT_EQ(bytes_of(at("grow/g1/shard-00000.h5")), kept);
  EXPECT_TRUE(contains(wrong().at(shard_1), "is missing"));
  grow_shard(1, shard(1));
  score();
  const VerifyReport report = verify_run(run());
  EXPECT_TRUE(report.clean());
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].where, "damaged");
}

TEST_F(VerifyTest, ProgramsComeInTheOrderOfTheChain) {
  make_run();
  for (const char* path : {"metrics/g0-i0.valid.json", "improve/bc/g1-i0/config.json", "corpus/train.h5"})
    truncate(at(path));
  truncate(at(reward_1));
  const std::vector<std::string> expected = {"rest_prepare", "rest_score --grow-step 1 --reward chrf",
                                             "rest_improve --grow-step 1 --variant bc",
                                             "rest_evaluate --policy g0-i0 --corpus valid"};
  EXPECT_EQ(programs_to_run(verify_run(run())), expected);
}

}  // namespace
}  // namespace rest
