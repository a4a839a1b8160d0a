#include "rest/store/candidates.hpp"

#include "unit/store/grow_fixture.hpp"

namespace rest {
namespace {

class ShardFile : public GrowTest {
 protected:
  std::filesystem::path file() const { return shard_file(dir(), 0); }
  void write(const CandidateShard& shard) const { write_shard(file(), shard, attributes(), lineage()); }
};

TEST_F(ShardFile, is_named_by_its_number) {
  EXPECT_EQ(shard_file("g1", 7), std::filesystem::path("g1/shard-00007.h5"));
  EXPECT_EQ(shard_file("g1", 1234567), std::filesystem::path("g1/shard-1234567.h5"));
  EXPECT_EQ(reward_file("g1", "chrf", 7), std::filesystem::path("g1/rewards/chrf/shard-00007.h5"));
}

TEST_F(ShardFile, comes_back_as_written) {
  write(first_shard());
  const CandidateShard there = read_shard(file()), written = first_shard();
  EXPECT_EQ(there.first_source, written.first_source);
  EXPECT_EQ(there.candidates_per_source, written.candidates_per_source);
  EXPECT_EQ(there.tokens.offsets, written.tokens.offsets);
  EXPECT_EQ(there.tokens.values, written.tokens.values);
  EXPECT_EQ(there.log_prob, written.log_prob);
  EXPECT_EQ(there.sampling_log_prob, written.sampling_log_prob);
  EXPECT_EQ(there.count, written.count);
  EXPECT_EQ(there.finished, written.finished);
  EXPECT_EQ(there.origin, written.origin);
  const ShardAttributes said = read_shard_attributes(file());
  EXPECT_EQ(said.vocabulary_size, 1000);
  EXPECT_EQ(said.tokenizer_digest, "tokenizer0");
  EXPECT_EQ(said.policy_digest, "policy0");
  EXPECT_EQ(said.corpus_digest, "corpus0");
  EXPECT_EQ(said.options, nlohmann::json({{"temperature", 0.8}}));
}

TEST_F(ShardFile, may_hold_no_candidates) {
  CandidateShard shard;
  shard.candidates_per_source = {0, 0};
  write(shard);
  EXPECT_EQ(read_shard(file()).sources(), 2u);
  EXPECT_EQ(read_shard(file()).size(), 0u);
}

TEST_F(ShardFile, of_several_chunks_has_the_same_bytes_when_written_again) {
  CandidateShard shard;
  for (std::uint32_t i = 0; i < 70000; ++i) {
    shard.candidates_per_source.push_back(1);
    shard.tokens.push_back(std::vector<Token>{i % 1000, (i * 7) % 1000});
    shard.log_prob.push_back(-static_cast<float>(i % 97) / 7.0f);
    shard.count.push_back(1 + i % 5);
    shard.origin.push_back(i % 2 == 0);
  }
  shard.sampling_log_prob = shard.log_prob;
  shard.finished.assign(70000, 1);
  write_shard(dir() / "a.h5", shard, attributes(), lineage());
  write(first_shard());  // other content in between, so that left-over memory differs
  write_shard(dir() / "b.h5", shard, attributes(), lineage());
  EXPECT_EQ(bytes_of(dir() / "a.h5"), bytes_of(dir() / "b.h5"));
  EXPECT_EQ(read_shard(dir() / "a.h5").tokens.values, shard.tokens.values);
}

TEST_F(ShardFile, has_the_documented_layout) {
  write(first_shard());
  const std::string code = R"(
h = h5py.File(f)
assert h.attrs['format'] == 'rest-candidates' and h.attrs['format_version'] == 1 and h.attrs['first_source'] == 0
assert h.attrs['options'] == '{"temperature":0.8}' and h.attrs['corpus'] == 'corpus0', dict(h.attrs)
types = dict(candidates_per_source='u4', length='u4', tokens='u2', log_prob='f4', sampling_log_prob='f4', count='u4',
             finished='u1', origin='u1')
assert set(h) == set(types), list(h)
for name, kind in types.items():
    d = h[name]
    assert d.dtype == np.dtype('<' + kind), (name, d.dtype)
    assert d.shuffle and d.fletcher32 and d.compression == 'gzip' and d.compression_opts == 4, name
assert list(h['tokens']) == [4, 5, 6, 7, 8, 9, 10] and list(h['length']) == [1, 2, 3, 0, 1]
)";
  if (!python(code, file())) GTEST_SKIP() << "no h5py";
}

TEST_F(ShardFile, that_contradicts_itself_is_not_written) {
  const auto refused = [&](const char* column, auto change) {
    CandidateShard shard = first_shard();
    change(shard);
    EXPECT_TRUE(contains(error_of([&] { write(shard); }), column));
    EXPECT_FALSE(std::filesystem::exists(file()));
  };
  refused("length", [](CandidateShard& s) { s.candidates_per_source[0] = 4; });
  refused("tokens", [](CandidateShard& s) { s.tokens.values[0] = 1000; });
  refused("log_prob", [](CandidateShard& s) { s.log_prob.pop_back(); });
  refused("log_prob", [](CandidateShard& s) { s.log_prob[1] = std::numeric_limits<float>::quiet_NaN(); });
  refused("sampling_log_prob", [](CandidateShard& s) { s.sampling_log_prob[1] = 0.5f; });
  refused("count", [](CandidateShard& s) { s.count[1] = 0; });
  refused("finished", [](CandidateShard& s) { s.finished[1] = 2; });
  refused("origin", [](CandidateShard& s) { s.origin.push_back(1); });
}

TEST_F(ShardFile, names_the_file_when_missing_truncated_or_altered) {
  const auto message = [&] { return error_of([&] { read_shard(file()); }); };
  EXPECT_TRUE(contains(message(), "rest_grow"));
  write(first_shard());
  flip_middle_byte(file());
  EXPECT_TRUE(contains(message(), file().string()));
  flip_middle_byte(file());
  EXPECT_NO_THROW(read_shard(file()));
  truncate(file());
  EXPECT_TRUE(contains(message(), file().string()));
  EXPECT_TRUE(contains(error_of([&] { read_shard_attributes(file()); }), file().string()));
}

TEST_F(ShardFile, names_the_column_that_is_wrong_under_a_right_digest) {
  const std::vector<std::pair<std::string, std::string>> damages = {
      {"tokens", replace("tokens", "[4, 5, 6, 7, 8, 9, 1000]", "u2")},
      {"tokens", replace("tokens", "[4, 5, 6]", "u2")},
      {"length", replace("candidates_per_source", "[3, 2, 1]", "u4")},
      {"log_prob", replace("log_prob", "[-1, -2]", "f4")},
      {"sampling_log_prob", replace("sampling_log_prob", "[0, 0, np.nan, 0, 0]", "f4")},
      {"count", replace("count", "[3, 1, 1, 2]", "u4")},
      {"finished", replace("finished", "[1, 1, 1, 0, 7]", "u1")},
      {"origin", "del h['origin']"},
      {"first_source", "del h.attrs['first_source']"},
      {"format", "h.attrs['format'] = 'rest-corpus'"},
  };
  for (const auto& [name, code] : damages) {
    write(first_shard());
    if (!alter(file(), code)) GTEST_SKIP() << "no h5py";
    const std::string message = error_of([&] { read_shard(file()); });
    EXPECT_TRUE(contains(message, name)) << code;
    EXPECT_TRUE(contains(message, file().string())) << code;
  }
}

TEST_F(ShardFile, that_is_the_first_missing_is_named) {
  write_shards();
  EXPECT_NO_THROW(require_shards(dir(), 2));
  const std::string message = error_of([&] { require_shards(dir(), 4); });
  EXPECT_TRUE(contains(message, "shard-00002.h5"));
  EXPECT_TRUE(contains(message, "rest_grow"));
}

class RewardFile : public GrowTest {
 protected:
  std::filesystem::path file() const { return dir() / "shard-00000.h5"; }
  void write(const std::vector<float>& values) const { write_rewards(file(), {"chrf", "digest0", values}, lineage()); }
};

TEST_F(RewardFile, comes_back_as_written) {
  write({0.0f, 0.25f, 1.0f});
  const RewardColumn there = read_rewards(file(), "digest0");
  EXPECT_EQ(there.name, "chrf");
  EXPECT_EQ(there.reward, (std::vector<float>{0.0f, 0.25f, 1.0f}));
}

TEST_F(RewardFile, holds_the_columns_of_its_candidates_uncompressed) {
  CandidateShard shard = first_shard();
  shard.count[0] = 300;
  write_rewards(file(), {"chrf", "digest0", chrf()[0], CandidateColumns(shard)}, lineage());
  EXPECT_EQ(read_rewards(file(), "digest0").candidates, CandidateColumns(shard));
  const std::string code = R"(
h = h5py.File(f)
assert h.attrs['format'] == 'rest-rewards' and h.attrs['format_version'] == 1
types = dict(reward='f4', candidates_per_source='u1', count='u2', length='u1', finished='u1', origin='u1')
assert set(h) == set(types), list(h)
for name, kind in types.items():
    assert h[name].dtype == np.dtype('<' + kind) and h[name].chunks is None, name
assert list(h['count']) == [300, 1, 1, 2, 1] and list(h['length']) == [1, 2, 3, 0, 1]
)";
  if (!python(code, file())) GTEST_SKIP() << "no h5py";
}

TEST_F(RewardFile, with_columns_of_another_size_is_not_written) {
  const std::string message = error_of([&] {
    write_rewards(file(), {"chrf", "digest0", {0.5f}, CandidateColumns(first_shard())}, lineage());
  });
  EXPECT_TRUE(contains(message, "5 values for 1 rewards"));
}

TEST_F(RewardFile, that_is_missing_names_the_program_that_makes_it) {
  const std::string message = error_of([&] { read_rewards(file(), "digest0"); });
  EXPECT_TRUE(contains(message, "rest_score"));
  EXPECT_TRUE(contains(message, file().string()));
}

TEST_F(RewardFile, of_another_shard_is_refused) {
  write({0.5f});
  const std::string message = error_of([&] { read_rewards(file(), "digest1"); });
  EXPECT_TRUE(contains(message, file().string()));
  EXPECT_TRUE(contains(message, "other candidates"));
}

TEST_F(RewardFile, outside_zero_to_one_is_refused) {
  for (const float value : {-0.1f, 1.1f, std::numeric_limits<float>::quiet_NaN(), -none}) {
    EXPECT_TRUE(contains(error_of([&] { write({0.5f, value}); }), "dataset reward"));
  }
  write({0.5f});
  if (!alter(file(), replace("reward", "[0.5, np.nan]", "f4"))) GTEST_SKIP() << "no h5py";
  EXPECT_TRUE(contains(error_of([&] { read_rewards(file(), "digest0"); }), "dataset reward"));
}

}  // namespace
}  // namespace rest
