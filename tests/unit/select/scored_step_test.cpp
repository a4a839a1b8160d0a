#include "rest/select/scored_step.hpp"

#include "unit/store/grow_fixture.hpp"

namespace rest {
namespace {

class ScoredStepTest : public GrowTest {
 protected:
  ScoredStep step(const std::string& reward = "chrf") const { return {dir(), reward, corpus_}; }
  Corpus corpus_ = corpus();
};

TEST_F(ScoredStepTest, reads_candidates_with_their_rewards) {
  write_step();
  const ScoredStep step = this->step();
  ASSERT_EQ(step.shards(), 2);
  const ScoredStep::Shard shard = step.read(1);
  EXPECT_EQ(shard.candidates.tokens.values, second_shard().tokens.values);
  EXPECT_EQ(shard.rewards, chrf()[1]);
  const ScoredStep::Columns columns = step.read_columns(0);
  EXPECT_EQ(columns.candidates.candidates_per_source, first_shard().candidates_per_source);
  EXPECT_EQ(columns.candidates.count, first_shard().count);
  EXPECT_EQ(columns.candidates.finished, first_shard().finished);
  EXPECT_EQ(columns.candidates.origin, first_shard().origin);
  EXPECT_EQ(columns.rewards, chrf()[0]);
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
  EXPECT_NO_THROW(damaged.read(0));
  for (int again = 0; again < 2; ++again) {
    EXPECT_TRUE(contains(error_of([&] { damaged.read(1); }), "shard-00001.h5 is damaged"));
    EXPECT_TRUE(contains(error_of([&] { damaged.read_columns(1); }), "shard-00001.h5 is damaged"));
  }
}

TEST_F(ScoredStepTest, verifies_once) {
  write_step();
  const ScoredStep step = this->step();
  step.read_columns(0);
  // A byte behind what HDF5 reads: only hashing the file would see it.
  const std::filesystem::path file = shard_file(dir(), 0);
  put(file, bytes_of(file) + "x");
  EXPECT_NO_THROW(step.read_columns(0));
  EXPECT_NO_THROW(step.read(0));
  EXPECT_THROW(this->step(), Error);
}

TEST_F(ScoredStepTest, refuses_files_that_were_replaced_meanwhile) {
  write_step();
  const ScoredStep step = this->step();
  CandidateShard other = second_shard();
  other.count[0] = 5;
  remove_committed(shard_file(dir(), 1));
  write_shard(shard_file(dir(), 1), other, attributes(), lineage());
  EXPECT_TRUE(contains(error_of([&] { step.read(1); }), "shard-00001.h5 was replaced"));
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
