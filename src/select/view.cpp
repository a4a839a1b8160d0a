#include "rest/select/view.hpp"

#include <algorithm>

#include "rest/core/error.hpp"

namespace rest {
namespace {

constexpr auto original = static_cast<std::uint8_t>(Origin::original);

/// Sums over candidates, each weighted by its count.
struct Sums {
  RewardSummary summary;
  double reward = 0.0;

  void add(const CandidateShard& shard, const std::vector<float>& rewards, const std::vector<std::uint8_t>& keep) {
    std::size_t row = 0;
    for (const std::uint32_t candidates : shard.candidates_per_source) {
      const std::uint64_t distinct = summary.distinct;
      for (const std::size_t end = row + candidates; row < end; ++row) {
        if (keep[row]) add(shard, row, rewards[row]);
      }
      ++summary.sources;
      summary.sources_empty += summary.distinct == distinct;
    }
  }
  void add(const CandidateShard& shard, std::size_t row, float value) {
    const std::uint32_t count = shard.count[row];
    summary.candidates += count;
    ++summary.distinct;
    if (shard.origin[row] == original) {
      summary.originals += count;
    } else if (!shard.finished[row]) {
      summary.unfinished += count;
    }
    summary.tokens += static_cast<double>(count) * static_cast<double>(shard.tokens.length(row) + 1);
    reward += static_cast<double>(count) * static_cast<double>(value);
  }
  RewardSummary result() const {
    RewardSummary done = summary;
    if (done.candidates > 0) done.mean_reward = reward / static_cast<double>(done.candidates);
    return done;
  }
};

/// Factors on the weights of samples and of originals.
struct Mixture {
  double sample, original;
};

// lambda is the share of sampled data in the loss (A.9); `share` is what it is without factors.
Mixture mixture_for(double lambda, double share, const std::filesystem::path& grow_dir) {
  if ((share == 0.0 && lambda > 0.0) || (share == 1.0 && lambda < 1.0)) {
    throw Error(concat(grow_dir.string(), ": the filter kept no ", share == 0.0 ? "samples" : "originals"),
                concat("improve.lambda = ", lambda, " needs them"), "lower the threshold or leave lambda out");
  }
  return {share > 0.0 ? lambda / share : 0.0, share < 1.0 ? (1.0 - lambda) / (1.0 - share) : 0.0};
}

/// A shard's counts, 0 for the samples that are left out.
template <class Columns>
std::vector<std::uint32_t> counts_of(const Columns& candidates, Unfinished unfinished) {
  std::vector<std::uint32_t> count = candidates.count;
  if (unfinished == Unfinished::as_any) return count;
  for (std::size_t row = 0; row < count.size(); ++row) {
    if (!candidates.finished[row] && candidates.origin[row] != original) count[row] = 0;
  }
  return count;
}

template <class Columns>
ScoredCandidates scored(const Columns& candidates, const std::vector<float>& rewards,
                        const std::vector<std::uint32_t>& count) {
  return {candidates.candidates_per_source, rewards, count, candidates.origin};
}

}  // namespace

CandidateView::CandidateView(const ScoredStep& step, Filter& filter, Unfinished unfinished)
    : sources_(step.sources()), grow_dir_(step.directory()) {
  filter.look_first([&](const Filter::Look& look) {
    for (std::int64_t number = 0; number < step.shards(); ++number) {
      const ScoredStep::Columns columns = step.read_columns(number);
      const auto count = counts_of(columns.candidates, unfinished);
      look(scored(columns.candidates, columns.rewards, count));
    }
  });
  Sums all, kept;
  for (std::int64_t number = 0; number < step.shards(); ++number) {
    const ScoredStep::Shard shard = step.read(number);
    const auto count = counts_of(shard.candidates, unfinished);
    const std::vector<std::uint8_t> keep = filter.keep(scored(shard.candidates, shard.rewards, count));
    add_rows(shard.candidates, keep, all.summary.distinct);
    all.add(shard.candidates, shard.rewards, std::vector<std::uint8_t>(shard.candidates.size(), 1));
    kept.add(shard.candidates, shard.rewards, keep);
  }
  all_ = all.result();
  kept_ = kept.result();
  mix(-1.0);
}

void CandidateView::add_rows(const CandidateShard& shard, const std::vector<std::uint8_t>& keep,
                             std::uint64_t first_id) {
  auto source = static_cast<std::uint32_t>(shard.first_source);
  std::size_t row = 0;
  for (const std::uint32_t candidates : shard.candidates_per_source) {
    for (const std::size_t end = row + candidates; row < end; ++row) {
      if (!keep[row]) continue;
      const Span<const Token> tokens = shard.tokens[row];
      rows_.push_back({tokens_.size(), static_cast<std::uint32_t>(tokens.size()), source,
                       static_cast<float>(shard.count[row]), shard.origin[row], first_id + row});
      tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
    }
    ++source;
  }
}

void CandidateView::mix(double lambda) {
  if (!(lambda <= 1.0)) throw UsageError(concat("improve.lambda is ", lambda), "", "give at most 1");
  if (rows_.empty()) return;
  double sampled = 0.0, total = 0.0;
  for (const Row& row : rows_) {
    const double tokens = static_cast<double>(row.weight) * static_cast<double>(row.length + 1);
    total += tokens;
    if (row.origin != original) sampled += tokens;
  }
  sampled_share_ = sampled / total;
  if (lambda < 0.0) return;
  const Mixture factor = mixture_for(lambda, sampled_share_, grow_dir_);
  for (Row& row : rows_) {
    const double weight = row.origin == original ? factor.original : factor.sample;
    row.weight = static_cast<float>(weight * static_cast<double>(row.weight));
  }
  const auto weightless = [](const Row& row) { return row.weight == 0.0f; };  // lambda of 0 or 1
  rows_.erase(std::remove_if(rows_.begin(), rows_.end(), weightless), rows_.end());
  sampled_share_ = lambda;
}

Example CandidateView::get(std::size_t i) const {
  const Row& row = rows_[i];
  return {sources_.source.tokens[row.source], {tokens_.data() + row.offset, row.length}, row.weight, row.id};
}

}  // namespace rest
