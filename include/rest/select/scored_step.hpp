#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "rest/store/corpus_sources.hpp"
#include "rest/store/scored.hpp"

namespace rest {

/// A complete Grow step with one reward column, read a run of sources at a time. Made from commit records alone, and so
/// quickly; the bytes of a file are verified when it is first read, once however often it is read.
class ScoredStep {
 public:
  /// `sources` is the corpus that the step was grown from; it must outlive this. Throws Error naming the first file
  /// without a record of its size, and the program that makes it, or what belongs to another corpus.
  ScoredStep(std::filesystem::path grow_dir, std::string reward, const CorpusSources& sources);

  std::int64_t shards() const { return static_cast<std::int64_t>(files_.size()); }
  const std::filesystem::path& directory() const { return grow_dir_; }
  /// Of the shards and the reward column, from their records: what a lineage needs.
  std::string digest() const;

  /// All sources and candidates of a shard; `tokens` is not known and 0.
  ShardRange whole(std::int64_t shard) const;
  /// Positions of a shard's first source in the corpus, and of its first candidate in the whole step.
  std::uint64_t source_offset(std::int64_t shard) const { return extent_.source_offset[index(shard)]; }
  std::uint64_t candidate_offset(std::int64_t shard) const { return extent_.candidate_offset[index(shard)]; }

  // All throw Error naming the file: damaged, or replaced meanwhile. `range` lies in the shard.

  /// Columns and rewards of a range, into memory that is used again. Several threads may read different shards.
  void read(std::int64_t shard, const ShardRange& range, ScoredColumns& into) const;
  /// Pieces of a range's candidates, `lengths` as its columns have them.
  Ragged<Token> read_candidates(std::int64_t shard, const ShardRange& range, Span<const std::uint32_t> lengths) const;
  /// Pieces of a range's sources.
  Ragged<Token> read_sources(std::int64_t shard, const ShardRange& range) const;

 private:
  struct File {
    std::string sha256;
    bool verified = false;
  };
  struct Files {
    File shard, rewards;
    std::optional<ScoredLayout> layout{};  // of the rewards, once verified
  };
  static std::size_t index(std::int64_t shard) { return static_cast<std::size_t>(shard); }
  Files& files(std::int64_t shard) const { return files_.at(index(shard)); }
  void require_corpus() const;
  void verify_shard(std::int64_t shard) const;
  void verify_rewards(std::int64_t shard) const;
  std::filesystem::path shard_path(std::int64_t shard) const { return shard_file(grow_dir_, shard); }
  std::filesystem::path rewards_path(std::int64_t shard) const { return reward_file(grow_dir_, reward_, shard); }

  std::filesystem::path grow_dir_;
  std::string reward_;
  const CorpusSources& sources_;
  StepExtent extent_;
  mutable std::mutex hdf5_;  // which knows no threads
  mutable std::vector<Files> files_;
};

}  // namespace rest
