#include "rest/store/scored.hpp"

#include <numeric>

#include "columns.hpp"
#include "hdf5.hpp"
#include "rest/core/error.hpp"
#include "rewards_file.hpp"
#include "shard_file.hpp"

namespace rest {
namespace {

void read_from(const hdf5::File& file, const ShardRange& range, CandidateColumns& into) {
  file.read("candidates_per_source", range.first_source, range.sources, into.candidates_per_source);
  hdf5::require_sum(file, "candidates_per_source", into.candidates_per_source, "count", range.candidates);
  file.read("count", range.first_candidate, range.candidates, into.count);
  file.read("length", range.first_candidate, range.candidates, into.length);
  file.read("finished", range.first_candidate, range.candidates, into.finished);
  file.read("origin", range.first_candidate, range.candidates, into.origin);
}

}  // namespace

void require_rewards_of(const std::filesystem::path& rewards, const std::string& shard_digest,
                        std::uint64_t candidates) {
  const hdf5::File file = open_rewards(rewards);
  require_made_for(file, rewards, shard_digest);
  if (const std::uint64_t there = file.size("reward"); there != candidates) {
    file.fail("reward", concat(there, " values for ", candidates, " candidates"));
  }
}

bool read_scored(const std::filesystem::path& rewards, const ShardRange& range, ScoredColumns& into) {
  const hdf5::File file = open_rewards(rewards);
  file.read("reward", range.first_candidate, range.candidates, into.rewards);
  if (!holds_columns(file)) return false;
  read_from(file, range, into.candidates);
  return true;
}

void read_columns(const std::filesystem::path& shard, const ShardRange& range, CandidateColumns& into) {
  read_from(open_shard(shard), range, into);
}

Ragged<Token> read_range_tokens(const std::filesystem::path& shard, const ShardRange& range,
                                Span<const std::uint32_t> lengths) {
  const hdf5::File file = open_shard(shard);
  const std::string name = "tokens";
  const std::uint64_t sum = std::accumulate(lengths.begin(), lengths.end(), std::uint64_t{0});
  Ragged<Token> rows;
  file.read(name, range.first_token, static_cast<std::size_t>(sum), rows.values);
  hdf5::require_below_vocabulary(file, name, rows.values, hdf5::read_vocabulary_size(file));
  rows.offsets.reserve(lengths.size() + 1);
  for (const std::uint32_t length : lengths) rows.offsets.push_back(rows.offsets.back() + length);
  return rows;
}

}  // namespace rest
