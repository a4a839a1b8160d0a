#include "rest/store/scored.hpp"

#include <numeric>

#include "columns.hpp"
#include "hdf5.hpp"
#include "plain_file.hpp"
#include "rest/core/error.hpp"
#include "rewards_file.hpp"
#include "shard_file.hpp"

namespace rest {
namespace {

void require_size(const hdf5::File& file, const std::string& name, std::uint64_t size) {
  const std::uint64_t there = file.size(name);
  if (there != size) file.fail(name, concat(there, " values where the index says ", size));
}

void require_rows(const std::filesystem::path& file, const CandidateColumns& columns, std::size_t candidates) {
  const auto& per_source = columns.candidates_per_source;
  const std::uint64_t rows = std::accumulate(per_source.begin(), per_source.end(), std::uint64_t{0});
  if (rows == candidates) return;
  throw Error(concat(file.string(), ": dataset candidates_per_source: adds up to ", rows, " where there are ",
                     candidates, " candidates"));
}

}  // namespace

std::optional<ScoredLayout> scored_layout(const std::filesystem::path& rewards, const std::string& shard_digest,
                                          const ShardRange& whole) {
  const hdf5::File file = open_rewards(rewards);
  require_made_for(file, rewards, shard_digest);
  require_size(file, "reward", whole.candidates);
  if (!holds_columns(file)) return std::nullopt;
  ScoredLayout layout;
  const auto locate = [&](const char* name, std::size_t size, ScoredLayout::Column& column) {
    require_size(file, name, size);
    if (size > 0) column = {file.plain_offset(name), file.element_bytes(name)};
  };
  locate("reward", whole.candidates, layout.reward);
  locate("candidates_per_source", whole.sources, layout.candidates_per_source);
  locate("count", whole.candidates, layout.count);
  locate("length", whole.candidates, layout.length);
  locate("finished", whole.candidates, layout.finished);
  locate("origin", whole.candidates, layout.origin);
  return layout;
}

void read_scored(const std::filesystem::path& rewards, const ScoredLayout& layout, const ShardRange& range,
                 ScoredColumns& into) {
  const PlainFile file(rewards);
  CandidateColumns& candidates = into.candidates;
  file.read(layout.reward, range.first_candidate, range.candidates, into.rewards);
  file.read(layout.candidates_per_source, range.first_source, range.sources, candidates.candidates_per_source);
  file.read(layout.count, range.first_candidate, range.candidates, candidates.count);
  file.read(layout.length, range.first_candidate, range.candidates, candidates.length);
  file.read(layout.finished, range.first_candidate, range.candidates, candidates.finished);
  file.read(layout.origin, range.first_candidate, range.candidates, candidates.origin);
  require_rows(rewards, candidates, range.candidates);
}

void read_scored(const std::filesystem::path& shard, const std::filesystem::path& rewards, const ShardRange& range,
                 ScoredColumns& into) {
  open_rewards(rewards).read("reward", range.first_candidate, range.candidates, into.rewards);
  const hdf5::File file = open_shard(shard);
  CandidateColumns& candidates = into.candidates;
  file.read("candidates_per_source", range.first_source, range.sources, candidates.candidates_per_source);
  file.read("count", range.first_candidate, range.candidates, candidates.count);
  file.read("length", range.first_candidate, range.candidates, candidates.length);
  file.read("finished", range.first_candidate, range.candidates, candidates.finished);
  file.read("origin", range.first_candidate, range.candidates, candidates.origin);
  require_rows(shard, candidates, range.candidates);
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
