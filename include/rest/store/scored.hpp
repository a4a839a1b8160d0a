#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
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

/// Where the columns of a reward file lie in it, for reading them as plain bytes: opening a file as HDF5 takes as long
/// as reading 100,000 candidates.
struct ScoredLayout {
  struct Column {
    std::uint64_t offset = 0;  ///< in bytes
    std::uint8_t element_bytes = 0;
  };
  Column reward, candidates_per_source, count, length, finished, origin;
};

// All trust the caller to have verified the files, and throw Error naming file and dataset. `into` is memory that is
// used again.

/// Also throws Error unless the file was made for the shard of that SHA-256 and holds so many rewards. Nothing when it
/// holds no columns of the candidates.
std::optional<ScoredLayout> scored_layout(const std::filesystem::path& rewards, const std::string& shard_digest,
                                          const ShardRange& whole);
/// Without HDF5: may be called on several threads.
void read_scored(const std::filesystem::path& rewards, const ScoredLayout& layout, const ShardRange& range,
                 ScoredColumns& into);
/// The same from shard and reward file where the latter holds no columns of the candidates.
void read_scored(const std::filesystem::path& shard, const std::filesystem::path& rewards, const ShardRange& range,
                 ScoredColumns& into);

/// Pieces of a range's candidates, whose lengths are given.
Ragged<Token> read_range_tokens(const std::filesystem::path& shard, const ShardRange& range,
                                Span<const std::uint32_t> lengths);

}  // namespace rest
