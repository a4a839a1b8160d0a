#pragma once

#include <limits>

#include "rest/store/candidates.hpp"
#include "unit/store/store_fixture.hpp"

namespace rest {

/// A Grow step of two shards over five sources, with the reward column "chrf".
///
///     shard  source  candidates (tokens, count, reward)
///     0      0       [4] x3 0.9; [5 6] x1 0.2; original [7 8 9] 1.0
///            1       [] x2 0.5, unfinished; original [10] 0.6
///            2       none
///     1      3       [11 12] x4 0.3
///            4       [13] x1 0.8; original [13 14] 0.1, marked unfinished
class GrowTest : public StoreTest {
 protected:
  static constexpr float none = -std::numeric_limits<float>::infinity();

  static CandidateShard first_shard() {
    CandidateShard shard;
    shard.first_source = 0;
    shard.candidates_per_source = {3, 2, 0};
    for (const std::vector<Token>& row : std::vector<std::vector<Token>>{{4}, {5, 6}, {7, 8, 9}, {}, {10}}) {
      shard.tokens.push_back(row);
    }
    shard.log_prob = {-1.0f, -2.5f, -9.0f, -0.5f, -3.0f};
    shard.sampling_log_prob = {-0.5f, -2.0f, none, -0.25f, -4.0f};
    shard.count = {3, 1, 1, 2, 1};
    shard.finished = {1, 1, 1, 0, 1};
    shard.origin = {0, 0, 1, 0, 1};
    return shard;
  }
  static CandidateShard second_shard() {
    CandidateShard shard;
    shard.first_source = 3;
    shard.candidates_per_source = {1, 2};
    for (const std::vector<Token>& row : std::vector<std::vector<Token>>{{11, 12}, {13}, {13, 14}}) {
      shard.tokens.push_back(row);
    }
    shard.log_prob = {-1.5f, -2.0f, -6.0f};
    shard.sampling_log_prob = {-1.0f, -1.0f, -8.0f};
    shard.count = {4, 1, 1};
    shard.finished = {1, 1, 0};
    shard.origin = {0, 0, 1};
    return shard;
  }
  static std::vector<std::vector<float>> chrf() { return {{0.9f, 0.2f, 1.0f, 0.5f, 0.6f}, {0.3f, 0.8f, 0.1f}}; }

  ShardAttributes attributes() const { return {1000, "tokenizer0", "policy0", corpus_digest_, {{"temperature", 0.8}}}; }
  static Lineage lineage() { return make_lineage("grow", {{"policy", "policy0"}}, {{"temperature", 0.8}}); }

  void write_shards() const {
    write_shard(shard_file(dir(), 0), first_shard(), attributes(), lineage());
    write_shard(shard_file(dir(), 1), second_shard(), attributes(), lineage());
  }
  void write_column(const std::string& name, const std::vector<std::vector<float>>& values) const {
    std::filesystem::create_directories(dir() / "rewards" / name);
    for (std::int64_t shard = 0; shard < 2; ++shard) {
      const std::string digest = sha256_of_file(shard_file(dir(), shard));
      write_rewards(reward_file(dir(), name, shard),
                    {name, digest, values[static_cast<std::size_t>(shard)], candidates(shard)},
                    make_lineage("reward", {{"shard", digest}}, {{"name", name}}));
    }
  }
  void write_step() const {
    write_shards();
    write_column("chrf", chrf());
    write_index(dir(), 2, {"chrf"});
  }

  std::string corpus_digest_ = "corpus0";

 private:
  static CandidateColumns candidates(std::int64_t shard) {
    return CandidateColumns(shard == 0 ? first_shard() : second_shard());
  }
};

}  // namespace rest
