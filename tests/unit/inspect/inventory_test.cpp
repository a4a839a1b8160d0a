#include "rest/inspect/inventory.hpp"

#include "unit/inspect/run_fixture.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

TEST(Classify, KnowsEveryPartOfARun) {
  const auto kind = [](const char* path) { return classify(path).kind; };
  EXPECT_EQ(kind("tokenizer/tokenizer.model"), ArtefactKind::tokenizer);
  EXPECT_EQ(kind("corpus/train.h5"), ArtefactKind::corpus);
  EXPECT_EQ(kind("corpus/train.report.json"), ArtefactKind::corpus_report);
  EXPECT_EQ(kind("policy/g0-i0/model.safetensors"), ArtefactKind::policy);
  EXPECT_EQ(kind("improve/x/g1-i0/config.json"), ArtefactKind::policy_config);
  EXPECT_EQ(kind("improve/x/g1-i0/checkpoints/best-00000010"), ArtefactKind::checkpoint);
  EXPECT_EQ(kind("grow/g1/shard-00000.h5"), ArtefactKind::shard);
  EXPECT_EQ(kind("grow/g1/rewards/chrf/shard-00000.h5"), ArtefactKind::reward);
  EXPECT_EQ(kind("grow/g1/index.h5"), ArtefactKind::index);
  EXPECT_EQ(kind("reward/mine/member-1/model.safetensors"), ArtefactKind::policy);
  EXPECT_EQ(kind("reward/mine/member-0/checkpoints/update-00000010"), ArtefactKind::checkpoint);
  EXPECT_EQ(kind("improve/x/g2-best.json"), ArtefactKind::best);
  EXPECT_EQ(kind("metrics/g0-i0.valid.json"), ArtefactKind::metrics);
  for (const char* path : {"grow/g1/shard-00000.h5.tmp", "grow/gx/shard-00000.h5", "grow/g1/shard-0.h5.old", "notes",
                           "improve/x/notes.txt", "policy/g0-i0/metrics.jsonl", "policy/g0-i0/checkpoints/mine"}) {
    EXPECT_EQ(kind(path), ArtefactKind::other) << path;
  }
}

TEST(Classify, ReadsNumbersAndNamesTheProgram) {
  const Artefact step = classify("improve/my/variant/model.safetensors");
  EXPECT_EQ(step.kind, ArtefactKind::other);
  const Artefact reward = classify("grow/g12/rewards/my-reward/shard-00034.h5");
  EXPECT_EQ(reward.grow_step, 12);
  EXPECT_EQ(reward.number, 34);
  EXPECT_EQ(classify("reward/mine/reward.json").made_by, "rest_reward train --name mine");
  EXPECT_EQ(classify("ratings/chrf.tsv").made_by, "rest_reward label --name chrf");
  EXPECT_EQ(reward.made_by, "rest_score --grow-step 12 --reward my-reward");
  const Artefact improved = classify("improve/a_g1/g2-i3/step.json");
  EXPECT_EQ(improved.improve_step, 3);
  EXPECT_EQ(improved.made_by, "rest_improve --grow-step 2 --variant a_g1");
  EXPECT_EQ(classify("metrics/a_b_g2-i3.test.t0.5.json").made_by,
            "rest_evaluate --policy a_b/g2-i3 --corpus test --temperature 0.5");
  EXPECT_EQ(classify("metrics/bc_g1-i0.test.best_of_200.t0.5.json").made_by,
            "rest_evaluate --policy bc/g1-i0 --corpus test --best-of 200 --temperature 0.5");
  EXPECT_EQ(classify("metrics/g0-i0.test.mbr_8.json").made_by,
            "rest_evaluate --policy g0-i0 --corpus test --best-of 8 --mbr");
  EXPECT_EQ(classify("metrics/x_g1-i1.test.best_of_20.t0.5.json").made_by,
            "rest_evaluate --policy x/g1-i1 --corpus test --best-of 20 --temperature 0.5");
  EXPECT_EQ(classify("metrics/g0-i0.valid.beam_4_lp0.6.json").made_by,
            "rest_evaluate --policy g0-i0 --corpus valid --beam 4 --length-penalty 0.6");
  EXPECT_EQ(classify("metrics/g0-i0.valid.json").made_by, "rest_evaluate --policy g0-i0 --corpus valid");
}

TEST(Classify, OrdersTheChain) {
  const std::vector<std::string> chain = {"tokenizer/tokenizer.model",
                                          "corpus/valid.h5",
                                          "policy/g0-i0/model.safetensors",
                                          "grow/g1/shard-00010.h5",
                                          "grow/g1/rewards/chrf/shard-00000.h5",
                                          "grow/g1/index.h5",
                                          "improve/x/g1-i2/step.json",
                                          "improve/x/g1-i10/model.safetensors",
                                          "improve/x/g1-best.json",
                                          "grow/g2/shard-00000.h5",
                                          "metrics/g0-i0.test.json"};
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    EXPECT_TRUE(made_before(classify(chain[i]), classify(chain[i + 1]))) << chain[i];
    EXPECT_FALSE(made_before(classify(chain[i + 1]), classify(chain[i]))) << chain[i];
  }
}

class InventoryTest : public RunTest {};

TEST_F(InventoryTest, FindsRecordsFilesTemporariesAndStrangers) {
  make_run();
  fs::remove(at("grow/g1/shard-00000.h5"));
  fs::remove(at("corpus/train.h5.commit.json"));
  put(at("experiment.toml.tmp"), "");
  put(at("corpus/mine.txt"), "");
  const Inventory found = take_inventory(run().root());
  EXPECT_EQ(found.artefacts.size(), 29u);
  EXPECT_EQ(found.temporaries, std::vector<fs::path>{"experiment.toml.tmp"});
  EXPECT_EQ(found.strangers, std::vector<fs::path>{"corpus/mine.txt"});
}

}  // namespace
}  // namespace rest
