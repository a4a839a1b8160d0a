#include "rest/select/view.hpp"

#include <algorithm>

#include "rest/core/error.hpp"
#include "rest/select/step_digest.hpp"

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

void require_equal(const std::filesystem::path& file, const std::string& what, const std::string& there,
                   const std::string& corpus) {
  if (there.empty() || corpus.empty() || there == corpus) return;
  throw Error(concat(file.string(), ": its candidates belong to another ", what, " than the corpus of this run"),
              concat("attribute ", what, " is ", there, ", the corpus has ", corpus),
              "use the corpus it was grown from, or grow again in another run directory");
}

void require_same_corpus(const std::filesystem::path& file, const CandidateShard& shard, const Corpus& corpus) {
  const ShardAttributes attributes = read_shard_attributes(file);
  require_equal(file, "corpus", attributes.corpus_digest, corpus.digest);
  require_equal(file, "tokenizer", attributes.tokenizer_digest, corpus.tokenizer_digest);
  const std::uint64_t end = static_cast<std::uint64_t>(shard.first_source) + shard.sources();
  if (end > corpus.size()) {
    throw Error(concat(file.string(), ": its sources end at ", end, ", the corpus has ", corpus.size()));
  }
}

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

/// A shard with its reward column, both verified.
struct Part {
  CandidateShard shard;
  std::vector<float> rewards;
  std::string shard_digest, reward_digest;
};

Part load_part(const std::filesystem::path& grow_dir, std::int64_t number, const Corpus& corpus,
               const std::string& reward) {
  const std::filesystem::path file = shard_file(grow_dir, number), rewards_path = reward_file(grow_dir, reward, number);
  const CommitRecord record = verify_committed(file, "rest_grow"),
                     rewards = verify_committed(rewards_path, "rest_score");
  Part part{read_shard(file), read_rewards(rewards_path, record.sha256).reward, record.sha256, rewards.sha256};
  require_same_corpus(file, part.shard, corpus);
  if (part.rewards.size() != part.shard.size()) {
    throw Error(concat(rewards_path.string(), ": dataset reward: ", part.rewards.size(), " values for ",
                       part.shard.size(), " candidates"));
  }
  return part;
}

// Originals end where the reference does: they count as finished.
std::vector<std::uint8_t> without_unfinished(const CandidateShard& shard, std::vector<std::uint8_t> keep) {
  for (std::size_t row = 0; row < keep.size(); ++row) {
    if (!shard.finished[row] && shard.origin[row] != original) keep[row] = 0;
  }
  return keep;
}

}  // namespace

CandidateView::CandidateView(const std::filesystem::path& grow_dir, const Corpus& sources, const Filter& filter,
                             const ViewOptions& options)
    : sources_(sources) {
  if (!(options.lambda <= 1.0)) throw UsageError(concat("improve.lambda is ", options.lambda), "", "give at most 1");
  Sums all, kept;
  StepDigest digest;
  for (std::int64_t number = 0, shards = shard_count(grow_dir); number < shards; ++number) {
    const Part part = load_part(grow_dir, number, sources, options.reward);
    std::vector<std::uint8_t> keep = filter.keep(part.shard, part.rewards);
    if (!options.keep_unfinished) keep = without_unfinished(part.shard, std::move(keep));
    add_rows(part.shard, keep, all.summary.distinct);
    all.add(part.shard, part.rewards, std::vector<std::uint8_t>(part.shard.size(), 1));
    kept.add(part.shard, part.rewards, keep);
    digest.add(number, part.shard_digest, options.reward, part.reward_digest);
  }
  all_ = all.result();
  kept_ = kept.result();
  digest_ = digest.hex();
  if (!rows_.empty()) mix(options.lambda, grow_dir);
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

void CandidateView::mix(double lambda, const std::filesystem::path& grow_dir) {
  double sampled = 0.0, total = 0.0;
  for (const Row& row : rows_) {
    const double tokens = static_cast<double>(row.weight) * static_cast<double>(row.length + 1);
    total += tokens;
    if (row.origin != original) sampled += tokens;
  }
  sampled_share_ = sampled / total;
  if (lambda < 0.0) return;
  const Mixture factor = mixture_for(lambda, sampled_share_, grow_dir);
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
