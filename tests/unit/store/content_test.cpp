#include "rest/store/content.hpp"

#include "unit/store/grow_fixture.hpp"

namespace rest {
namespace {

class ContentTest : public GrowTest {
 protected:
  /// Contents are read whatever the records say.
  void remove_records() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir())) {
      const std::string path = entry.path().string();
      if (path.find(".commit.json") != std::string::npos) std::filesystem::remove(path);
    }
  }
};

TEST_F(ContentTest, ReadsAShardWithWhatItSaysOfItself) {
  write_step();
  remove_records();
  const ShardContent content = load_shard(shard_file(dir(), 1));
  EXPECT_EQ(content.shard.tokens.values, second_shard().tokens.values);
  EXPECT_EQ(content.attributes.policy_digest, "policy0");
  EXPECT_EQ(content.lineage, lineage());
}

TEST_F(ContentTest, ReadsRewardsAndIndex) {
  write_step();
  const std::string digest = sha256_of_file(shard_file(dir(), 0));
  remove_records();
  const RewardContent rewards = load_rewards(reward_file(dir(), "chrf", 0));
  EXPECT_EQ(rewards.column.shard_digest, digest);
  EXPECT_EQ(rewards.column.reward, chrf()[0]);
  EXPECT_EQ(rewards.lineage.at("inputs").at("shard"), digest);
  const IndexContent index = load_index(dir() / "index.h5");
  EXPECT_EQ(index.source_offset, (std::vector<std::uint64_t>{0, 3, 5}));
  EXPECT_EQ(index.candidate_offset, (std::vector<std::uint64_t>{0, 5, 8}));
  EXPECT_EQ(index.token_offset, (std::vector<std::uint64_t>{0, 7, 12}));
  EXPECT_EQ(index.lineage.at("options").at("rewards"), nlohmann::json({"chrf"}));
}

TEST_F(ContentTest, AnIndexWhoseViewsAreNotAsLongAsItsOffsetsIsRefused) {
  write_step();
  if (!alter(dir() / "index.h5", "h['shard_candidate_offset'][2] = 9")) GTEST_SKIP() << "no h5py";
  EXPECT_TRUE(contains(error_of([&] { load_index(dir() / "index.h5"); }), "where its offsets say 9"));
}

TEST_F(ContentTest, ReadsACorpusAndItsSize) {
  Corpus corpus;
  corpus.vocabulary_size = 10;
  corpus.tokenizer_digest = "tokenizer0";
  for (const Token token : {4u, 5u, 6u}) {
    corpus.source.tokens.push_back(std::vector<Token>{token});
    corpus.source.text.push_back("text");
  }
  write_corpus(dir() / "mono.h5", corpus, make_lineage("corpus", {{"tokenizer", "tokenizer0"}}, {}));
  remove_records();
  EXPECT_EQ(corpus_size(dir() / "mono.h5"), 3u);
  const CorpusContent content = load_corpus(dir() / "mono.h5");
  EXPECT_EQ(content.corpus.source.tokens.values, (std::vector<Token>{4, 5, 6}));
  EXPECT_EQ(content.lineage.at("kind"), "corpus");
}

}  // namespace
}  // namespace rest
