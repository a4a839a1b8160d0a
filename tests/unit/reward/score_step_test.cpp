#include "rest/reward/score_step.hpp"

#include <fstream>

#include "rest/core/signals.hpp"
#include "rest/store/candidates.hpp"
#include "rest/store/corpus.hpp"
#include "rest/text/metrics.hpp"
#include "rest/text/tokenizer.hpp"
#include "unit/store/store_fixture.hpp"

namespace rest {
namespace {

/// A run with a tokenizer, a corpus of five pairs and a Grow step of two shards: of each source the original and two
/// samples, the reference without its first word and another source's reference.
class ScoreStepTest : public StoreTest {
 protected:
  ScoreStepTest() : run_(dir() / "run") {
    std::filesystem::create_directories(run_.tokenizer().parent_path());
    commit_file(run_.tokenizer(), make_lineage("tokenizer", {}, {}), [&](const std::filesystem::path& path) {
      std::vector<std::string> text = sources_;
      text.insert(text.end(), targets_.begin(), targets_.end());
      train_tokenizer(text, {290, 1.0}, path);
    });
    write_corpus_with(Target::present);
    write_step();
  }

  enum class Target { present, absent };
  void write_corpus_with(Target target) const {
    const Tokenizer tokenizer(run_.tokenizer());
    Corpus corpus;
    corpus.vocabulary_size = tokenizer.vocabulary_size();
    corpus.tokenizer_digest = sha256_of_file(run_.tokenizer());
    for (std::size_t i = 0; i < sources_.size(); ++i) {
      corpus.source.text.push_back(sources_[i]);
      corpus.source.tokens.push_back(tokenizer.encode(sources_[i]));
      if (target == Target::absent) continue;
      corpus.target.text.push_back(targets_[i]);
      corpus.target.tokens.push_back(tokenizer.encode(targets_[i]));
    }
    std::filesystem::create_directories(run_.corpus("train").parent_path());
    write_corpus(run_.corpus("train"), corpus, make_lineage("corpus", {}, {}));
  }

  void write_step() const {
    const Tokenizer tokenizer(run_.tokenizer());
    const ShardAttributes attributes = {tokenizer.vocabulary_size(),
                                        sha256_of_file(run_.tokenizer()),
                                        "policy",
                                        sha256_of_file(run_.corpus("train")),
                                        {{"temperature", 0.8}}};
    std::filesystem::create_directories(run_.grow(1));
    for (std::size_t shard = 0; shard < 2; ++shard) {
      CandidateShard candidates;
      candidates.first_source = shard == 0 ? 0 : 3;
      for (std::size_t i = shard * 3; i < (shard == 0 ? 3 : targets_.size()); ++i) {
        candidates.candidates_per_source.push_back(3);
        for (const std::string& text : {sample(i), targets_[(i + 1) % targets_.size()], targets_[i]}) {
          candidates.tokens.push_back(tokenizer.encode(text));
          candidates.log_prob.push_back(-1.0f);
          candidates.sampling_log_prob.push_back(-1.0f);
          candidates.count.push_back(1);
          candidates.finished.push_back(1);
          candidates.origin.push_back(candidates.origin.size() % 3 == 2 ? 1 : 0);
        }
      }
      write_shard(shard_file(run_.grow(1), static_cast<std::int64_t>(shard)), candidates, attributes,
                  make_lineage("grow", {}, {}));
    }
    write_index(run_.grow(1), 2, {});
  }
  std::string sample(std::size_t i) const { return targets_[i].substr(targets_[i].find(' ') + 1); }
  int score() const { return run_score_step(Communicator(), run_, 1, *make_built_in_reward("chrf")); }
  std::vector<float> column(std::int64_t shard) const {
    return read_rewards(reward_file(run_.grow(1), "chrf", shard), sha256_of_file(shard_file(run_.grow(1), shard)))
        .reward;
  }

  // The last target has a character that the tokenizer normalises: decoded pieces differ from the text.
  std::vector<std::string> sources_ = {"the dog runs", "a cat sleeps", "my bird sings", "his horse eats", "it is half"};
  std::vector<std::string> targets_ = {"el rovu tane", "un ponil zume", "me lomek sire", "su fali revi", "om ½ selek"};
  RunDirectory run_;
};

TEST_F(ScoreStepTest, ScoresSamplesByTheirTextAndOriginalsAsOne) {
  ASSERT_EQ(score(), exit_success);
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    const std::vector<float> rewards = column(i < 3 ? 0 : 1);
    const std::size_t row = 3 * (i < 3 ? i : i - 3);
    if (i != 4) {
      EXPECT_FLOAT_EQ(rewards[row], static_cast<float>(sentence_chrf(sample(i), targets_[i]) / 100.0)) << i;
    }
    EXPECT_LT(rewards[row + 1], 0.7f) << i;
    EXPECT_EQ(rewards[row + 2], 1.0f) << i;
  }
}

TEST_F(ScoreStepTest, ScoresOnlyWhatIsMissing) {
  ASSERT_EQ(score(), exit_success);
  const std::filesystem::path first = reward_file(run_.grow(1), "chrf", 0),
                              second = reward_file(run_.grow(1), "chrf", 1);
  const std::string before = bytes_of(second);
  const auto written = std::filesystem::last_write_time(first);
  remove_committed(second);
  ASSERT_EQ(score(), exit_success);
  EXPECT_EQ(std::filesystem::last_write_time(first), written);
  EXPECT_EQ(bytes_of(second), before);
}

TEST_F(ScoreStepTest, GoesOnWhereTheIndexWasLost) {
  remove_committed(run_.grow(1) / "index.h5");
  ASSERT_EQ(score(), exit_success);
  EXPECT_EQ(read_extent(run_.grow(1)).shards(), 2);
}

TEST_F(ScoreStepTest, RefusesAnIncompleteStep) {
  remove_committed(shard_file(run_.grow(1), 1));
  EXPECT_TRUE(contains(error_of([&] { score(); }), "1 shards hold 3 of 5 sources"));
}

TEST_F(ScoreStepTest, RefusesACorpusWithoutTargets) {
  remove_committed(run_.corpus("train"));
  write_corpus_with(Target::absent);
  EXPECT_TRUE(contains(error_of([&] { score(); }), "has no target side"));
}

TEST_F(ScoreStepTest, RefusesShardsOfAnotherCorpus) {
  sources_[0] = "the bird runs";
  remove_committed(run_.corpus("train"));
  write_corpus_with(Target::present);
  EXPECT_TRUE(contains(error_of([&] { score(); }), "another corpus"));
}

}  // namespace
}  // namespace rest
