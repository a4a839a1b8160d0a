#include "reward_sums.hpp"

#include <numeric>

namespace rest {
namespace {

#define REST_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))

constexpr auto original = static_cast<std::uint8_t>(Origin::original);

struct Integers {
  std::uint64_t candidates = 0, rows = 0, originals = 0, original_rows = 0, unfinished = 0, tokens = 0,
                original_tokens = 0;
};

REST_CLONES Integers sum_integers(const std::uint32_t* count, const std::uint32_t* length, const std::uint8_t* finished,
                                  const std::uint8_t* origin, const std::uint8_t* keep, std::size_t size) {
  Integers sums;
  for (std::size_t i = 0; i < size; ++i) {
    const bool kept = keep[i] != 0, is_original = origin[i] == original;
    const std::uint64_t candidates = kept ? count[i] : 0, tokens = candidates * (std::uint64_t{length[i]} + 1);
    sums.rows += kept;
    sums.original_rows += kept && is_original;
    sums.candidates += candidates;
    sums.originals += is_original ? candidates : 0;
    sums.unfinished += is_original || finished[i] != 0 ? 0 : candidates;
    sums.tokens += tokens;
    sums.original_tokens += is_original ? tokens : 0;
  }
  return sums;
}

template <std::size_t lanes>
REST_CLONES void add_rewards(const float* reward, const std::uint32_t* count, const std::uint8_t* keep,
                             std::size_t size, double (&sums)[lanes]) {
  const auto value = [&](std::size_t i) {
    return keep[i] != 0 ? static_cast<double>(reward[i]) * static_cast<double>(count[i]) : 0.0;
  };
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += value(i + lane);
  }
  for (std::size_t lane = 0; i < size; ++i, ++lane) sums[lane] += value(i);
}

REST_CLONES std::uint64_t count_empty(const std::uint32_t* rows, std::size_t sources, const std::uint8_t* keep) {
  std::uint64_t empty = 0;
  for (std::size_t source = 0; source < sources; ++source) {
    unsigned kept = 0;
    for (std::uint32_t row = 0; row < rows[source]; ++row) kept |= keep[row];
    empty += kept == 0;
    keep += rows[source];
  }
  return empty;
}

}  // namespace

RewardSums::Rows RewardSums::add(const ScoredColumns& columns, const ShardRange& range, Span<const std::uint8_t> keep) {
  const CandidateColumns& candidates = columns.candidates;
  const std::uint64_t first = range.first_candidate;
  const std::uint32_t* count = candidates.count.data() + first;
  const Integers sums = sum_integers(count, candidates.length.data() + first, candidates.finished.data() + first,
                                     candidates.origin.data() + first, keep.data(), range.candidates);
  sums_.candidates += sums.candidates;
  sums_.distinct += sums.rows;
  sums_.originals += sums.originals;
  sums_.unfinished += sums.unfinished;
  sums_.sources += range.sources;
  sums_.sources_empty +=
      count_empty(candidates.candidates_per_source.data() + range.first_source, range.sources, keep.data());
  tokens_ += sums.tokens;
  sampled_tokens_ += sums.tokens - sums.original_tokens;
  add_rewards(columns.rewards.data() + first, count, keep.data(), range.candidates, reward_);
  return {static_cast<std::uint32_t>(sums.rows - sums.original_rows), static_cast<std::uint32_t>(sums.original_rows)};
}

RewardSummary RewardSums::summary() const {
  RewardSummary done = sums_;
  done.tokens = static_cast<double>(tokens_);
  const double reward = std::accumulate(std::begin(reward_), std::end(reward_), 0.0);
  if (done.candidates > 0) done.mean_reward = reward / static_cast<double>(done.candidates);
  return done;
}

}  // namespace rest
