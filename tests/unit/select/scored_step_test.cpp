#include "rest/select/scored_step.hpp"

#include "unit/select/scored_fixture.hpp"

namespace rest {
namespace {

class ScoredStepTest : public ScoredTest {
 protected:
  static ScoredColumns columns(const ScoredStep& step, std::int64_t shard, const ShardRange& range) {
    ScoredColumns columns;
    step.read(shard, range, columns);
    return columns;
  }
  static ScoredColumns columns(const ScoredStep& step, std::int64_t shard) {
    return columns(step, shard, step.whole(shard));
  }
  static Ragged<Token> candidates(const ScoredStep& step, std::int64_t shard) {
    return step.read_candidates(shard, step.whole(shard), columns(step, shard).candidates.length);
  }
  /// As reward files were before they held columns of the candidates.
  void write_plain_column(const std::string& name) const {
    std::filesystem::create_directories(dir() / "rewards" / name);
    for (std::int64_t shard = 0; shard < 2; ++shard) {
      const std::string digest = sha256_of_file(shard_file(dir(), shard));
      write_rewards(reward_file(dir(), name, shard), {name, digest, chrf()[static_cast<std::size_t>(shard)]},
                    lineage());
    }
  }
};

TEST_F(ScoredStepTest, reads_candidates_with_their_rewards_and_sources) {
  write_step();
  const ScoredStep step = this->step();
  ASSERT_EQ(step.shards(), 2);
  EXPECT_EQ(candidates(step, 1).values, second_shard().tokens.values);
  EXPECT_EQ(candidates(step, 1).offsets, second_shard().tokens.offsets);
  EXPECT_EQ(columns(step, 0).candidates, CandidateColumns(first_shard()));
  EXPECT_EQ(columns(step, 0).rewards, chrf()[0]);
  EXPECT_EQ(step.read_sources(1, step.whole(1)).values, (std::vector<Token>{103, 104}));
  EXPECT_EQ(step.source_offset(1), 3u);
  EXPECT_EQ(step.candidate_offset(1), 5u);
}

TEST_F(ScoredStepTest, reads_a_range_of_sources) {
  write_step();
  const ScoredStep step = this->step();
  const ShardRange second_source{1, 3, 6, 1, 2, 1};
  const ScoredColumns there = columns(step, 0, second_source);
  EXPECT_EQ(there.candidates.candidates_per_source, std::vector<std::uint32_t>{2});
  EXPECT_EQ(there.candidates.count, (std::vector<std::uint32_t>{2, 1}));
  EXPECT_EQ(there.rewards, (std::vector<float>{0.5f, 0.6f}));
  EXPECT_EQ(step.read_candidates(0, second_source, there.candidates.length).values, std::vector<Token>{10});
  EXPECT_EQ(step.read_sources(0, second_source).values, std::vector<Token>{101});
}

TEST_F(ScoredStepTest, reads_columns_from_the_shard_where_the_reward_file_has_none) {
  write_step();
  write_plain_column("old");
  const ScoredStep step = this->step("old");
  EXPECT_EQ(columns(step, 0).candidates, CandidateColumns(first_shard()));
  EXPECT_EQ(columns(step, 1).rewards, chrf()[1]);
  flip_middle_byte(shard_file(dir(), 1));
  EXPECT_NO_THROW(columns(this->step(), 1)) << "which reads no shard";
  const ScoredStep damaged = this->step("old");
  EXPECT_TRUE(contains(error_of([&] { columns(damaged, 1); }), "shard-00001.h5 is damaged"));
}

TEST_F(ScoredStepTest, digest_follows_the_candidates_and_the_reward_column) {
  write_step();
  const std::string digest = step().digest();
  std::string lines;
  for (std::int64_t shard = 0; shard < 2; ++shard) {
    const std::string name = shard_file("", shard).string();
    lines += name + " " + sha256_of_file(shard_file(dir(), shard)) + "\nchrf/" + name + " " +
             sha256_of_file(reward_file(dir(), "chrf", shard)) + "\n";
  }
  EXPECT_EQ(digest, sha256(lines)) << "as lineages of complete steps have it";
  write_column("bleu", {{0, 0, 0, 0, 0}, {0, 0, 0}});
  EXPECT_NE(step("bleu").digest(), digest);
}

TEST_F(ScoredStepTest, tells_its_digest_without_reading_bytes_and_verifies_when_it_reads) {
  write_step();
  const std::string digest = step().digest();
  flip_middle_byte(shard_file(dir(), 1));
  const ScoredStep damaged = step();
  EXPECT_EQ(damaged.digest(), digest);
  EXPECT_NO_THROW(candidates(damaged, 0));
  for (int again = 0; again < 2; ++again) {
    EXPECT_TRUE(contains(error_of([&] { candidates(damaged, 1); }), "shard-00001.h5 is damaged"));
  }
  flip_middle_byte(reward_file(dir(), "chrf", 0));
  const ScoredStep damaged_reward = step();
  for (int again = 0; again < 2; ++again) {
    EXPECT_TRUE(contains(error_of([&] { columns(damaged_reward, 0); }), "rewards/chrf/shard-00000.h5 is damaged"));
  }
}

TEST_F(ScoredStepTest, verifies_once) {
  write_step();
  const ScoredStep step = this->step();
  candidates(step, 0);
  // A byte behind what HDF5 reads: only hashing the files would see it.
  for (const auto& file : {shard_file(dir(), 0), reward_file(dir(), "chrf", 0)}) put(file, bytes_of(file) + "x");
  EXPECT_NO_THROW(candidates(step, 0));
  EXPECT_THROW(this->step(), Error);
}

TEST_F(ScoredStepTest, refuses_files_that_were_replaced_meanwhile) {
  write_step();
  const ScoredStep step = this->step();
  CandidateShard other = second_shard();
  other.count[0] = 5;
  remove_committed(shard_file(dir(), 1));
  write_shard(shard_file(dir(), 1), other, attributes(), lineage());
  EXPECT_TRUE(contains(error_of([&] { candidates(step, 1); }), "shard-00001.h5 was replaced"));
  EXPECT_TRUE(contains(error_of([&] { this->step(); }), "shard-00001.h5 was replaced after index.h5"));
}

TEST_F(ScoredStepTest, refuses_rewards_of_other_candidates) {
  write_step();
  const std::string other = sha256_of_file(shard_file(dir(), 0));
  write_rewards(reward_file(dir(), "chrf", 1), {"chrf", other, chrf()[1]}, lineage());
  const ScoredStep of_other = step();
  EXPECT_TRUE(contains(error_of([&] { columns(of_other, 1); }), "other candidates"));
  write_rewards(reward_file(dir(), "chrf", 1), {"chrf", sha256_of_file(shard_file(dir(), 1)), {0.5f}}, lineage());
  const ScoredStep short_column = step();
  EXPECT_TRUE(contains(error_of([&] { columns(short_column, 1); }), "1 values where the index says 3"));
}

TEST_F(ScoredStepTest, refuses_a_corpus_it_was_not_grown_from) {
  write_step();
  use_sources(corpus(6));
  std::string message = error_of([&] { step(); });
  EXPECT_TRUE(contains(message, dir().string()));
  EXPECT_TRUE(contains(message, "another corpus"));
  write_sources(corpus(4));
  write_step();
  EXPECT_TRUE(contains(error_of([&] { step(); }), "its sources end at 5, the corpus has 4"));
  Corpus other = corpus();
  other.tokenizer_digest = "tokenizer1";
  write_sources(other);
  write_step();
  EXPECT_TRUE(contains(error_of([&] { step(); }), "another tokenizer"));
}

TEST_F(ScoredStepTest, names_what_is_missing_and_what_makes_it) {
  write_shards();
  EXPECT_TRUE(contains(error_of([&] { step(); }), "index.h5"));
  write_index(dir(), 2, {});
  EXPECT_TRUE(contains(error_of([&] { step(); }), "rewards/chrf/shard-00000.h5 is missing; make it with rest_score"));
  write_column("chrf", chrf());
  EXPECT_NO_THROW(step());
  truncate(shard_file(dir(), 1));
  EXPECT_TRUE(contains(error_of([&] { step(); }), "shard-00001.h5 is not complete"));
}

}  // namespace
}  // namespace rest
