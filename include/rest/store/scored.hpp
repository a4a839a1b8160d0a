#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "rest/core/ragged.hpp"
#include "rest/core/span.hpp"
#include "rest/store/candidates.hpp"

namespace rest {

/// A run of sources of a shard with their candidates and pieces, all counted from the first of the shard.
struct ShardRange {
  std::uint64_t first_source = 0, first_candidate = 0, first_token = 0;
  std::size_t sources = 0, candidates = 0, tokens = 0;
};

struct ScoredColumns {
  CandidateColumns candidates;
  std::vector<float> rewards;  // [candidates]
};

/// Throws Error unless a reward file was made for the shard of that SHA-256 and holds so many rewards.
void require_rewards_of(const std::filesystem::path& rewards, const std::string& shard_digest,
                        std::uint64_t candidates);

// These trust the caller to have verified the files, and throw Error naming file and dataset. `into` is memory that is
// used again.

/// Rewards of a range, and the columns of its candidates unless the file has none: false.
bool read_scored(const std::filesystem::path& rewards, const ShardRange& range, ScoredColumns& into);
/// The same columns from the shard.
void read_columns(const std::filesystem::path& shard, const ShardRange& range, CandidateColumns& into);

/// Pieces of a range's candidates, whose lengths are given.
Ragged<Token> read_range_tokens(const std::filesystem::path& shard, const ShardRange& range,
                                Span<const std::uint32_t> lengths);

}  // namespace rest
