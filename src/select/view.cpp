#include "rest/select/view.hpp"

#include <algorithm>

#include "rest/core/error.hpp"
#include "rest/core/vector_math.hpp"
#include "reward_sums.hpp"
#include "shard_passes.hpp"

namespace rest {
namespace {

constexpr auto original = static_cast<std::uint8_t>(Origin::original);

/// The same range in columns that were read for it alone.
ShardRange alone(ShardRange range) {
  range.first_source = range.first_candidate = range.first_token = 0;
  return range;
}

template <class T>
Span<const T> part(const std::vector<T>& column, std::uint64_t first, std::size_t size) {
  return {column.data() + first, size};
}

/// Counts, 0 for unfinished samples. [size] each; `finished` and `origin` are 0 or 1.
REST_CLONES void leave_out_unfinished(const std::uint32_t* count, const std::uint8_t* finished,
                                      const std::uint8_t* origin, std::size_t size, std::uint32_t* taking_part) {
  for (std::size_t i = 0; i < size; ++i) {
    taking_part[i] = count[i] & (0u - static_cast<std::uint32_t>((finished[i] | origin[i]) != 0));
  }
}

ScoredCandidates scored(const ScoredColumns& columns, const ShardRange& range, Span<const std::uint32_t> counts) {
  const std::uint64_t first = range.first_candidate;
  return {part(columns.candidates.candidates_per_source, range.first_source, range.sources),
          part(columns.rewards, first, range.candidates), counts,
          part(columns.candidates.origin, first, range.candidates)};
}

}  // namespace

/// What a shard has.
struct CandidateView::ShardChoice {
  std::vector<Block> blocks;
  RewardSums all, kept;
};

CandidateView::CandidateView(const ScoredStep& step, Filter& filter, Unfinished unfinished, std::size_t workers)
    : step_(step), filter_(filter), unfinished_(unfinished) {
  filter.look_first(workers, [&](const Filter::Look& look) {
    each_shard(step, workers, [&](std::int64_t, const ScoredColumns& columns, std::size_t worker) {
      each_range(columns.candidates, [&](const ShardRange& range) {
        const auto counts = counts_of(columns, range);
        look(scored(columns, range, counts), worker);
      });
    });
  });
  std::vector<ShardChoice> choices(static_cast<std::size_t>(step.shards()));
  each_shard(step, workers, [&](std::int64_t shard, const ScoredColumns& columns, std::size_t) {
    choices[static_cast<std::size_t>(shard)] = choose(shard, columns);
  });
  ShardChoice whole;
  for (const ShardChoice& choice : choices) {
    whole.blocks.insert(whole.blocks.end(), choice.blocks.begin(), choice.blocks.end());
    whole.all.add(choice.all);
    whole.kept.add(choice.kept);
  }
  blocks_ = std::move(whole.blocks);
  all_ = whole.all.summary();
  kept_ = whole.kept.summary();
  if (kept_.tokens > 0.0) kept_share_ = whole.kept.sampled_tokens() / kept_.tokens;
  mix(-1.0);
}

CandidateView::ShardChoice CandidateView::choose(std::int64_t shard, const ScoredColumns& columns) const {
  ShardChoice choice;
  std::vector<std::uint8_t> everything;
  each_range(columns.candidates, [&](const ShardRange& range) {
    everything.resize(range.candidates, 1);
    choice.all.add(columns, range, everything);
    const RewardSums::Rows rows = choice.kept.add(columns, range, keep(columns, range));
    if (rows.samples + rows.originals > 0) choice.blocks.push_back({shard, range, rows.samples, rows.originals});
  });
  return choice;
}

std::vector<std::uint32_t> CandidateView::counts_of(const ScoredColumns& columns, const ShardRange& range) const {
  const CandidateColumns& candidates = columns.candidates;
  const std::uint64_t first = range.first_candidate;
  const std::uint32_t* count = candidates.count.data() + first;
  if (unfinished_ == Unfinished::as_any) return {count, count + range.candidates};
  std::vector<std::uint32_t> taking_part(range.candidates);
  leave_out_unfinished(count, candidates.finished.data() + first, candidates.origin.data() + first, range.candidates,
                       taking_part.data());
  return taking_part;
}

std::vector<std::uint8_t> CandidateView::keep(const ScoredColumns& columns, const ShardRange& range) const {
  const auto counts = counts_of(columns, range);
  return filter_.keep(scored(columns, range, counts));
}

// lambda is the share of sampled data in the loss (A.9); `share` is what it is without factors.
CandidateView::Mixture CandidateView::mixture_for(double lambda, double share, const std::filesystem::path& grow_dir) {
  if ((share == 0.0 && lambda > 0.0) || (share == 1.0 && lambda < 1.0)) {
    throw Error(concat(grow_dir.string(), ": the filter kept no ", share == 0.0 ? "samples" : "originals"),
                concat("improve.lambda = ", lambda, " needs them"), "lower the threshold or leave lambda out");
  }
  return {share > 0.0 ? lambda / share : 0.0, share < 1.0 ? (1.0 - lambda) / (1.0 - share) : 0.0};
}

void CandidateView::mix(double lambda) {
  if (!(lambda <= 1.0)) throw UsageError(concat("improve.lambda is ", lambda), "", "give at most 1");
  const bool as_they_come = lambda < 0.0 || blocks_.empty();
  factor_ = as_they_come ? Mixture{1.0, 1.0} : mixture_for(lambda, kept_share_, step_.directory());
  sampled_share_ = as_they_come ? kept_share_ : lambda;
  used_.clear();
  size_ = 0;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const std::uint64_t rows = rows_of(blocks_[i]);
    if (rows > 0) used_.push_back(static_cast<std::uint32_t>(i));
    size_ += rows;
  }
}

// Those that have a weight.
std::size_t CandidateView::rows_of(const Block& block) const {
  return (factor_.sample > 0.0 ? block.samples : 0) + (factor_.original > 0.0 ? block.originals : 0);
}

std::uint64_t CandidateView::windows() const {
  const std::uint64_t windows = (size_ + window_examples / 2) / window_examples;
  return std::min<std::uint64_t>(std::max<std::uint64_t>(windows, 1), used_.size());
}

std::unique_ptr<const Dataset> CandidateView::load(std::uint64_t seed, std::uint64_t epoch,
                                                   std::uint64_t window) const {
  const Permutation order(used_.size(), Philox(Purpose::shuffle, seed, epoch));
  std::vector<std::uint32_t> blocks;
  std::size_t rows = 0, pieces = 0;
  for (std::uint64_t i = used_.size() * window / windows(); i < used_.size() * (window + 1) / windows(); ++i) {
    blocks.push_back(used_[order(i)]);
    const Block& block = blocks_[blocks.back()];
    rows += rows_of(block);
    pieces += block.range.tokens * rows_of(block) / block.range.candidates;  // as if they were of average length
  }
  std::sort(blocks.begin(), blocks.end());  // files are read from front to back
  auto loaded = std::make_unique<KeptCandidates>(rows, pieces + pieces / 16);
  for (const std::uint32_t block : blocks) load_block(blocks_[block], *loaded);
  // BatchPlan shuffles the updates of window w by the key w + 1.
  loaded->shuffle(Permutation(loaded->size(), Philox(Purpose::shuffle, seed, epoch, ~window)));
  return loaded;
}

void CandidateView::each_block(const std::function<void(const KeptCandidates&)>& look) const {
  for (const std::uint32_t block : used_) {
    KeptCandidates loaded;
    load_block(blocks_[block], loaded);
    look(loaded);
  }
}

void CandidateView::load_block(const Block& block, KeptCandidates& into) const {
  ScoredColumns columns;
  step_.read(block.shard, block.range, columns);
  const CandidateColumns& candidates = columns.candidates;
  const std::vector<std::uint8_t> keep = this->keep(columns, alone(block.range));
  const Ragged<Token> targets = step_.read_candidates(block.shard, block.range, candidates.length);
  const Ragged<Token> sources = step_.read_sources(block.shard, block.range);
  const std::uint64_t first_source = step_.source_offset(block.shard) + block.range.first_source;
  const std::uint64_t first_id = step_.candidate_offset(block.shard) + block.range.first_candidate;
  std::size_t row = 0;
  for (std::size_t source = 0; source < block.range.sources; ++source) {
    bool first = true;
    for (const std::size_t end = row + candidates.candidates_per_source[source]; row < end; ++row) {
      const double factor = candidates.origin[row] == original ? factor_.original : factor_.sample;
      if (!keep[row] || factor == 0.0) continue;
      if (first) into.add_source(first_source + source, sources[source]);
      first = false;
      into.add(targets[row], static_cast<float>(factor * candidates.count[row]), first_id + row);
    }
  }
}

}  // namespace rest
