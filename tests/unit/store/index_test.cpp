#include "unit/store/grow_fixture.hpp"

namespace rest {
namespace {

using Index = GrowTest;

TEST_F(Index, counts_the_shards) {
  EXPECT_TRUE(contains(error_of([&] { read_extent(dir()); }), "rest_grow"));
  write_step();
  EXPECT_EQ(read_extent(dir()).shards(), 2);
}

TEST_F(Index, shows_a_step_as_one_dataset_wherever_it_lies) {
  write_step();
  const std::filesystem::path moved = dir() / "moved";
  std::filesystem::create_directory(moved);
  for (const char* name : {"shard-00000.h5", "shard-00001.h5", "rewards", "index.h5"}) {
    std::filesystem::rename(dir() / name, moved / name);
  }
  const std::string code = R"(
h = h5py.File(f)
assert list(h['shard_source_offset']) == [0, 3, 5] and h['shard_source_offset'].dtype == np.dtype('<u8')
assert list(h['shard_candidate_offset']) == [0, 5, 8] and list(h['shard_token_offset']) == [0, 7, 12]
assert list(h['candidates_per_source']) == [3, 2, 0, 1, 2]
assert list(h['length']) == [1, 2, 3, 0, 1, 2, 1, 2]
assert list(h['tokens']) == [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 13, 14] and h['tokens'].dtype == np.dtype('<u2')
assert list(h['count']) == [3, 1, 1, 2, 1, 4, 1, 1]
assert list(h['finished']) == [1, 1, 1, 0, 1, 1, 1, 0] and list(h['origin']) == [0, 0, 1, 0, 1, 0, 0, 1]
assert np.array_equal(h['log_prob'], np.float32([-1, -2.5, -9, -.5, -3, -1.5, -2, -6]))
assert np.array_equal(h['sampling_log_prob'], np.float32([-.5, -2, -np.inf, -.25, -4, -1, -1, -8]))
assert np.array_equal(h['rewards/chrf'], np.float32([.9, .2, 1, .5, .6, .3, .8, .1]))
assert h['tokens'].is_virtual and h.attrs['format'] == 'rest-index' and h.attrs['policy'] == 'policy0'
)";
  if (!python(code, moved / "index.h5")) GTEST_SKIP() << "no h5py";
}

TEST_F(Index, needs_every_shard_and_reward_asked_for) {
  write_shards();
  EXPECT_TRUE(contains(error_of([&] { write_index(dir(), 3, {}); }), "shard-00002.h5"));
  const std::string message = error_of([&] { write_index(dir(), 2, {"chrf"}); });
  EXPECT_TRUE(contains(message, "rewards/chrf/shard-00000.h5"));
  EXPECT_TRUE(contains(message, "rest_score"));
  EXPECT_FALSE(find_committed(dir() / "index.h5"));
}

TEST_F(Index, is_replaced_when_a_reward_is_added_and_left_alone_otherwise) {
  write_shards();
  write_index(dir(), 2, {});
  const std::string first = sha256_of_file(dir() / "index.h5");
  const auto written = std::filesystem::last_write_time(dir() / "index.h5");
  write_index(dir(), 2, {});
  EXPECT_EQ(std::filesystem::last_write_time(dir() / "index.h5"), written);
  write_column("chrf", chrf());
  write_index(dir(), 2, {"chrf"});
  EXPECT_NE(sha256_of_file(dir() / "index.h5"), first);
  EXPECT_EQ(verify_committed(dir() / "index.h5", "").lineage["options"]["rewards"], nlohmann::json({"chrf"}));
  write_column("bleu", chrf());
  write_index(dir(), 2, {"bleu"});
  const Lineage lineage = verify_committed(dir() / "index.h5", "").lineage;
  EXPECT_EQ(lineage["options"]["rewards"], nlohmann::json({"bleu", "chrf"}));
  EXPECT_EQ(lineage["inputs"]["shard-00001.h5"], sha256_of_file(shard_file(dir(), 1)));
  EXPECT_EQ(lineage["inputs"]["rewards/bleu/shard-00001.h5"], sha256_of_file(reward_file(dir(), "bleu", 1)));
}

TEST_F(Index, leaves_out_a_reward_that_is_half_done) {
  write_shards();
  write_column("chrf", chrf());
  remove_committed(reward_file(dir(), "chrf", 1));
  write_index(dir(), 2, {});
  EXPECT_TRUE(verify_committed(dir() / "index.h5", "").lineage["options"]["rewards"].empty());
}

TEST_F(Index, refuses_shards_that_do_not_belong_together) {
  write_shards();
  ShardAttributes other = attributes();
  other.policy_digest = "policy1";
  remove_committed(shard_file(dir(), 1));
  write_shard(shard_file(dir(), 1), second_shard(), other, lineage());
  EXPECT_TRUE(contains(error_of([&] { write_index(dir(), 2, {}); }), "shard-00001.h5"));
  CandidateShard gap = second_shard();
  gap.first_source = 4;
  remove_committed(shard_file(dir(), 1));
  write_shard(shard_file(dir(), 1), gap, attributes(), lineage());
  EXPECT_TRUE(contains(error_of([&] { write_index(dir(), 2, {}); }), "first_source"));
}

TEST_F(Index, may_stand_over_shards_without_candidates) {
  CandidateShard empty;
  empty.candidates_per_source = {0};
  write_shard(shard_file(dir(), 0), empty, attributes(), lineage());
  write_index(dir(), 1, {});
  EXPECT_EQ(read_extent(dir()).shards(), 1);
}

}  // namespace
}  // namespace rest
