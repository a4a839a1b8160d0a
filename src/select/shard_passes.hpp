#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <future>
#include <vector>

#include "rest/select/scored_step.hpp"

namespace rest {

constexpr std::size_t block_candidates = 4096;

/// The run of sources from `begin` on with at most block_candidates candidates, or one source.
inline ShardRange range_from(const CandidateColumns& columns, const ShardRange& begin) {
  ShardRange range = begin;
  range.sources = range.candidates = range.tokens = 0;
  for (std::uint64_t source = begin.first_source; source < columns.candidates_per_source.size(); ++source) {
    const std::size_t candidates = columns.candidates_per_source[source];
    if (range.sources > 0 && range.candidates + candidates > block_candidates) break;
    ++range.sources;
    range.candidates += candidates;
  }
  const std::uint32_t* length = columns.length.data() + range.first_candidate;
  for (std::size_t i = 0; i < range.candidates; ++i) range.tokens += length[i];
  return range;
}

/// Shows the ranges of the blocks that a shard of those columns is cut into, in order.
template <class Look>
void each_range(const CandidateColumns& columns, const Look& look) {
  ShardRange range;
  while (range.first_source < columns.candidates_per_source.size()) {
    range = range_from(columns, range);
    look(range);
    range = {range.first_source + range.sources,
             range.first_candidate + range.candidates,
             range.first_token + range.tokens,
             0,
             0,
             0};
  }
}

/// Reads the columns of all shards on so many threads and shows them to `look(shard, columns, worker)` there.
template <class Look>
void each_shard(const ScoredStep& step, std::size_t workers, const Look& look) {
  std::atomic<std::int64_t> next{0};
  const auto work = [&](std::size_t worker) {
    try {
      ScoredColumns columns;
      for (std::int64_t shard = next++; shard < step.shards(); shard = next++) {
        step.read(shard, step.whole(shard), columns);
        look(shard, columns, worker);
      }
    } catch (...) {
      next = step.shards();  // nor need the others go on
      throw;
    }
  };
  std::vector<std::future<void>> others;
  for (std::size_t worker = 1; worker < workers; ++worker) {
    others.push_back(std::async(std::launch::async, work, worker));
  }
  work(0);
  for (std::future<void>& other : others) other.get();
}

}  // namespace rest
