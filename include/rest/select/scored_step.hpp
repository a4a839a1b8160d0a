#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "rest/core/committed.hpp"
#include "rest/store/candidates.hpp"
#include "rest/store/corpus.hpp"

namespace rest {

/// A complete Grow step with one reward column, shard by shard. Made from commit records alone, and so quickly; the
/// bytes of a shard are verified when they are first read, once however often they are read.
class ScoredStep {
 public:
  /// `sources` is the corpus that the step was grown from. Throws Error naming the first file without a record of its
  /// size, and the program that makes it.
  ScoredStep(std::filesystem::path grow_dir, std::string reward, const Corpus& sources);

  std::int64_t shards() const { return static_cast<std::int64_t>(files_.size()); }
  const Corpus& sources() const { return sources_; }
  const std::filesystem::path& directory() const { return grow_dir_; }
  /// Of the shards and the reward column, from their records: what a lineage needs.
  std::string digest() const;

  struct Shard {
    CandidateShard candidates;
    std::vector<float> rewards;  // [candidates]
  };
  struct Columns {
    CandidateColumns candidates;
    std::vector<float> rewards;  // [candidates]
  };
  /// Throw Error naming the file: damaged, replaced meanwhile, or of another corpus.
  Shard read(std::int64_t shard) const;
  Columns read_columns(std::int64_t shard) const;  ///< without the tokens

 private:
  struct Files {
    CommitRecord shard, rewards;
    bool verified = false;
  };
  /// Verifies both files of a shard unless that has been done.
  void verify(std::int64_t shard) const;
  std::vector<float> read_rewards_of(std::int64_t shard, std::size_t candidates) const;
  std::filesystem::path shard_path(std::int64_t shard) const { return shard_file(grow_dir_, shard); }
  std::filesystem::path rewards_path(std::int64_t shard) const { return reward_file(grow_dir_, reward_, shard); }

  std::filesystem::path grow_dir_;
  std::string reward_;
  const Corpus& sources_;
  mutable std::vector<Files> files_;
};

}  // namespace rest
