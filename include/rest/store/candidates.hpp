#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rest/core/committed.hpp"
#include "rest/core/ragged.hpp"

namespace rest {

enum class Origin : std::uint8_t { sample = 0, original = 1 };

/// The candidates of a fixed range of sources [first_source, first_source + sources()), ragged rows as lengths plus
/// flat values. Candidate rows of a source stand together, sources in order.
struct CandidateShard {
  std::int64_t first_source = 0;
  std::vector<std::uint32_t> candidates_per_source;
  Ragged<Token> tokens;                  ///< per candidate, end piece not stored
  std::vector<float> log_prob;           ///< of the policy at T = 1, end piece included
  std::vector<float> sampling_log_prob;  ///< of the distribution drawn from; originals: of the same distribution
  std::vector<std::uint32_t> count;      ///< multiplicity: equal samples are stored once
  std::vector<std::uint8_t> finished;    ///< ended by the end piece (1) or cut at the maximum length (0)
  std::vector<std::uint8_t> origin;      ///< Origin

  std::size_t sources() const { return candidates_per_source.size(); }
  std::size_t size() const { return tokens.size(); }
};

/// What a shard says of itself, as attributes.
struct ShardAttributes {
  std::int64_t vocabulary_size = 0;
  std::string tokenizer_digest, policy_digest, corpus_digest;
  nlohmann::json options;  ///< sampling options, precision included
};

std::filesystem::path shard_file(const std::filesystem::path& grow_dir, std::int64_t shard);  // shard-00000.h5
std::filesystem::path reward_file(const std::filesystem::path& grow_dir, const std::string& reward, std::int64_t shard);

/// Committed write with read-back. Chunked, shuffled, deflated, Fletcher32, no object times: equal input, equal bytes.
void write_shard(const std::filesystem::path& file, const CandidateShard& shard, const ShardAttributes& attributes,
                 const Lineage& lineage, const nlohmann::json& sidecar = {});

/// What a read does before it opens a file: hash its bytes against its commit record, or trust the caller to have done
/// so.
enum class Verify { bytes, done_before };

/// Reads and verifies (record, SHA-256, shapes, ids). Throws Error naming file and dataset.
CandidateShard read_shard(const std::filesystem::path& file, Verify verify = Verify::bytes);
ShardAttributes read_shard_attributes(const std::filesystem::path& file, Verify verify = Verify::bytes);

/// The columns that say who a candidate is, without what it says: a small part of a shard.
struct CandidateColumns {
  std::vector<std::uint32_t> candidates_per_source;  // [sources]
  std::vector<std::uint32_t> count, length;          // [candidates] each; length: in pieces, without the end piece
  std::vector<std::uint8_t> finished, origin;

  CandidateColumns() = default;
  explicit CandidateColumns(const CandidateShard& shard);
  std::size_t size() const { return count.size(); }
};
bool operator==(const CandidateColumns& a, const CandidateColumns& b);

/// A reward column: one value a candidate of one shard, in [0, 1], in a file of its own. All is stored uncompressed,
/// the columns of the candidates in the narrowest type that holds them: filters read this file alone, at the speed of
/// memory.
struct RewardColumn {
  std::string name;
  std::string shard_digest;       ///< SHA-256 of the shard it belongs to
  std::vector<float> reward;      ///< [candidates]
  CandidateColumns candidates{};  ///< copies of the shard's columns; files of before they were stored have none
};
void write_rewards(const std::filesystem::path& file, const RewardColumn& column, const Lineage& lineage,
                   const nlohmann::json& sidecar = {});
/// Throws Error when missing (naming rest_score), damaged, or made for other candidates.
RewardColumn read_rewards(const std::filesystem::path& file, const std::string& shard_digest);

/// Number of committed shards 0..n-1; throws Error naming the first one missing when `expected` is not reached.
void require_shards(const std::filesystem::path& grow_dir, std::int64_t expected);

/// When all shards are committed: `index.h5` with global offsets and virtual datasets over the value columns
/// (and over every reward column that is complete; those in `rewards` must be), so that a step looks like one dataset
/// to h5py. Committed like any file; replaced when its shards or columns changed.
void write_index(const std::filesystem::path& grow_dir, std::int64_t shards, const std::vector<std::string>& rewards);

/// A complete Grow step as its index has it: where each shard begins and the last one ends.
struct StepExtent {
  std::vector<std::uint64_t> source_offset, candidate_offset;  ///< [shards + 1] each
  std::vector<std::string> shard_digests;                      ///< SHA-256 of the shards it was made for
  ShardAttributes attributes;                                  ///< of all of them
  std::int64_t shards() const { return static_cast<std::int64_t>(source_offset.size()) - 1; }
};
/// Throws Error naming rest_grow when there is none.
StepExtent read_extent(const std::filesystem::path& grow_dir);

}  // namespace rest
