#include "reward_sums.hpp"

#include <numeric>

#include "rest/core/vector_math.hpp"

namespace rest {
namespace {

constexpr auto original = static_cast<std::uint8_t>(Origin::original);

struct Integers {
  std::uint64_t candidates = 0, rows = 0, originals = 0, original_rows = 0, unfinished = 0, tokens = 0,
                original_tokens = 0;
};

/// All ones if `flag` is 1, none if it is 0: loops without branches vectorise.
constexpr std::uint32_t mask(std::uint32_t flag) { return 0u - flag; }

REST_CLONES Integers sum_integers(const std::uint32_t* count, const std::uint32_t* length, const std::uint8_t* finished,
                                  const std::uint8_t* origin, const std::uint8_t* keep, std::size_t size) {
  Integers sums;
  for (std::size_t i = 0; i < size; ++i) {
    const std::uint32_t kept = keep[i], is_original = origin[i] == original, is_unfinished = finished[i] == 0;
    const std::uint32_t candidates = count[i] & mask(kept);
    const std::uint32_t originals = candidates & mask(is_original);
    sums.rows += kept;
    sums.original_rows += kept & is_original;
    sums.candidates += candidates;
    sums.originals += originals;
    sums.unfinished += (candidates ^ originals) & mask(is_unfinished);
    sums.tokens += std::uint64_t{candidates} * length[i];
    sums.original_tokens += std::uint64_t{originals} * length[i];
  }
  sums.tokens += sums.candidates;
  sums.original_tokens += sums.originals;
  return sums;
}

template <std::size_t lanes>
REST_CLONES void add_rewards(const float* reward, const std::uint32_t* count, const std::uint8_t* keep,
                             std::size_t size, double (&all)[lanes]) {
  double sums[lanes] = {};
  const auto value = [&](std::size_t i) {
    return static_cast<double>(reward[i]) * static_cast<double>(count[i] & mask(keep[i]));
  };
  std::size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += value(i + lane);
  }
  for (std::size_t lane = 0; i < size; ++i, ++lane) sums[lane] += value(i);
  for (std::size_t lane = 0; lane < lanes; ++lane) all[lane] += sums[lane];
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

void RewardSums::add(const RewardSums& other) {
  sums_.candidates += other.sums_.candidates;
  sums_.distinct += other.sums_.distinct;
  sums_.originals += other.sums_.originals;
  sums_.unfinished += other.sums_.unfinished;
  sums_.sources += other.sums_.sources;
  sums_.sources_empty += other.sums_.sources_empty;
  tokens_ += other.tokens_;
  sampled_tokens_ += other.sampled_tokens_;
  for (std::size_t lane = 0; lane < lanes; ++lane) reward_[lane] += other.reward_[lane];
}

RewardSummary RewardSums::summary() const {
  RewardSummary done = sums_;
  done.tokens = static_cast<double>(tokens_);
  const double reward = std::accumulate(std::begin(reward_), std::end(reward_), 0.0);
  if (done.candidates > 0) done.mean_reward = reward / static_cast<double>(done.candidates);
  return done;
}

}  // namespace rest
