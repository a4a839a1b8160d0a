#include "rest/reward/score_step.hpp"

#include <algorithm>
#include <numeric>
#include <sstream>

#include "rest/comm/agreement.hpp"
#include "rest/comm/build_info.hpp"
#include "rest/comm/work_queue.hpp"
#include "rest/core/counted.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/progress.hpp"
#include "rest/core/signals.hpp"
#include "rest/store/candidates.hpp"
#include "rest/store/corpus.hpp"
#include "rest/text/tokenizer.hpp"

namespace rest {
namespace {

constexpr std::size_t batch_size = 1024;  // texts between two answers to waiting ranks

// Sums over the candidates scored here, weighted by count: samples and originals.
struct RewardSums {
  double samples = 0.0, sample_reward = 0.0, originals = 0.0, original_reward = 0.0;
};

class StepScorer {
 public:
  StepScorer(const RunDirectory& run, std::int64_t grow_step, const Reward& reward)
      : reward_(reward),
        dir_(run.grow(grow_step)),
        corpus_file_(run.corpus("train")),
        corpus_(read_corpus(corpus_file_)),
        tokenizer_digest_(verify_committed(run.tokenizer(), "rest_prepare").sha256),
        tokenizer_(run.tokenizer()) {
    if (reward_.needs_reference() && !corpus_.has_target()) {
      throw Error("the reward " + reward_.name() + " needs references", corpus_file_.string() + " has no target side",
                  "use a corpus with target text, or another reward");
    }
  }

  const std::filesystem::path& dir() const { return dir_; }
  const RewardSums& sums() const { return sums_; }

  /// Number of shards of the step; throws Error when they do not cover the corpus.
  std::int64_t require_complete() const {
    std::int64_t shards = 0;
    while (find_committed(shard_file(dir_, shards))) ++shards;
    std::size_t covered = 0;
    if (shards > 0) {
      const CandidateShard last = read_shard(shard_file(dir_, shards - 1));
      covered = static_cast<std::size_t>(last.first_source) + last.sources();
    }
    if (covered == corpus_.size()) return shards;
    if (std::filesystem::exists(shard_file(dir_, shards))) verify_committed(shard_file(dir_, shards), "rest_grow");
    throw Error(concat("the Grow step in ", dir_.string(), " is not complete"),
                concat(shards, " shards hold ", covered, " of ", corpus_.size(), " sources"), "run rest_grow first");
  }

  std::vector<std::int64_t> unscored(std::int64_t shards) const {
    std::vector<std::int64_t> items;
    for (std::int64_t shard = 0; shard < shards; ++shard) {
      const std::string digest = find_committed(shard_file(dir_, shard)).value().sha256;
      if (!is_committed(reward_file(dir_, reward_.name(), shard), lineage(digest))) items.push_back(shard);
    }
    return items;
  }

  /// Scores one shard and writes its column, unless a stop is known before (Stopped). `done` counts shards and
  /// candidates.
  void score(const Communicator& world, std::int64_t index, WorkQueue& queue, WorkQueue::Counters& done) {
    const std::filesystem::path file = shard_file(dir_, index);
    require_same_text(file);  // which hashes it
    const CandidateShard shard = read_shard(file, Verify::done_before);
    const std::string digest = find_committed(file).value().sha256;
    RewardColumn column{reward_.name(), digest, rewards_of(shard, file, queue, done), CandidateColumns(shard)};
    write_rewards(reward_file(dir_, reward_.name(), index), column, lineage(digest), made_by(world, 1));
    add(shard, column.reward);
    ++done[0];
    queue.progress(done);
  }

 private:
  Lineage lineage(const std::string& shard_digest) const {
    return make_lineage("reward",
                        {{"shard", shard_digest}, {"corpus", corpus_.digest}, {"tokenizer", tokenizer_digest_}},
                        {{"reward.name", reward_.identity()}});
  }

  void require_same_text(const std::filesystem::path& file) const {
    const ShardAttributes attributes = read_shard_attributes(file);
    if (attributes.corpus_digest != corpus_.digest) {
      throw Error(file.string() + " was sampled from another corpus than " + corpus_file_.string(),
                  "the digests differ", "run rest_grow again in a new run directory");
    }
    if (attributes.tokenizer_digest != tokenizer_digest_) {
      throw Error(file.string() + " was made with another tokenizer", "the digests differ",
                  "run rest_grow again in a new run directory");
    }
  }

  std::vector<float> rewards_of(const CandidateShard& shard, const std::filesystem::path& file, WorkQueue& queue,
                                WorkQueue::Counters& done) const {
    std::vector<float> rewards;
    rewards.reserve(shard.size());
    std::vector<std::string> decoded;
    decoded.reserve(batch_size);  // ScoredText refers into it
    std::vector<ScoredText> batch;
    const auto flush = [&] {
      const std::vector<float> values = reward_.score(batch);
      if (values.size() != batch.size()) {
        throw Error(concat("the reward ", reward_.name(), " gave ", values.size(), " values for ", batch.size(),
                           " texts of ", file.string()));
      }
      rewards.insert(rewards.end(), values.begin(), values.end());
      batch.clear();
      decoded.clear();
      done[1] += static_cast<std::int64_t>(values.size());
      queue.progress(done);
      if (queue.stopped()) throw Stopped();
    };
    std::size_t row = 0;
    for (std::size_t i = 0; i < shard.sources(); ++i) {
      const std::size_t source = static_cast<std::size_t>(shard.first_source) + i;
      if (source >= corpus_.size()) throw Error(file.string() + " has more sources than " + corpus_file_.string());
      const std::string* reference = corpus_.has_target() ? &corpus_.target.text[source] : nullptr;
      for (std::uint32_t k = 0; k < shard.candidates_per_source[i]; ++k, ++row) {
        const bool original = shard.origin[row] == static_cast<std::uint8_t>(Origin::original) && reference;
        if (!original) decoded.push_back(tokenizer_.decode(shard.tokens[row]));
        batch.push_back({corpus_.source.text[source], original ? *reference : decoded.back(), reference});
        if (batch.size() == batch_size) flush();
      }
    }
    if (!batch.empty()) flush();
    require_unit_interval(rewards, file);
    return rewards;
  }

  void require_unit_interval(const std::vector<float>& rewards, const std::filesystem::path& file) const {
    const auto bad = std::find_if_not(rewards.begin(), rewards.end(), [](float r) { return r >= 0.0f && r <= 1.0f; });
    if (bad == rewards.end()) return;
    throw Error(concat("the reward ", reward_.name(), " gave ", *bad, " for candidate ", bad - rewards.begin(), " of ",
                       file.string()),
                "rewards lie in [0, 1]");
  }

  void add(const CandidateShard& shard, const std::vector<float>& rewards) {
    for (std::size_t row = 0; row < rewards.size(); ++row) {
      const bool original = shard.origin[row] == static_cast<std::uint8_t>(Origin::original);
      const double weight = shard.count[row];
      (original ? sums_.originals : sums_.samples) += weight;
      (original ? sums_.original_reward : sums_.sample_reward) += weight * static_cast<double>(rewards[row]);
    }
  }

  const Reward& reward_;
  std::filesystem::path dir_, corpus_file_;
  Corpus corpus_;
  std::string tokenizer_digest_;
  Tokenizer tokenizer_;
  RewardSums sums_;
};

// Rank 0's list on every rank: a shared file system may show the ranks different states.
std::vector<std::int64_t> agree(const Communicator& world, const std::vector<std::int64_t>& items) {
  std::string bytes;
  for (const std::int64_t item : items) bytes += std::to_string(item) + " ";
  std::istringstream in(broadcast(world, bytes));
  return {std::istream_iterator<std::int64_t>(in), {}};
}

void log_means(const Communicator& world, const RewardSums& mine, const std::string& name) {
  const std::vector<double> local = {mine.samples, mine.sample_reward, mine.originals, mine.original_reward};
  const std::vector<double> all = all_gather(world, Span<const double>(local));
  std::vector<double> total(local.size(), 0.0);
  for (std::size_t i = 0; i < all.size(); ++i) total[i % total.size()] += all[i];
  const auto mean = [](double sum, double count) { return count > 0.0 ? concat(sum / count) : std::string("none"); };
  if (!world.is_root()) return;
  log_info(concat("mean ", name, ": ", mean(total[1], total[0]), " over ", total[0], " samples, ",
                  mean(total[3], total[2]), " over ", total[2], " originals scored now"));
}

/// Scores shards until the queue is empty or a stop is requested; returns how many this rank has scored.
std::int64_t score_shards(const Communicator& world, StepScorer& scorer, const std::vector<std::int64_t>& shards,
                          const std::string& reward, const ProgressSink& sink) {
  Progress progress("score " + reward, "shards", shards.size(),
                    world.is_root() ? Progress::Output::enabled : Progress::Output::silent, sink);
  WorkQueue queue(world, shards, [&](const WorkQueue::Counters& totals) {
    progress.update(static_cast<std::uint64_t>(totals[0]), concat(totals[1], " candidates"));
  });
  WorkQueue::Counters done{};
  try {
    while (const auto shard = queue.next()) scorer.score(world, *shard, queue, done);
  } catch (const Stopped&) {
  }
  return done[0];
}

}  // namespace

int run_score_step(const Communicator& world, const RunDirectory& run, std::int64_t grow_step, const Reward& reward) {
  StepScorer scorer(run, grow_step, reward);
  stop_point(world);
  std::int64_t shards = 0;
  std::vector<std::int64_t> items;
  if (world.is_root()) {
    shards = scorer.require_complete();
    items = scorer.unscored(shards);
    std::filesystem::create_directories(reward_file(scorer.dir(), reward.name(), 0).parent_path());
  }
  items = agree(world, items);
  if (world.is_root() && !items.empty()) {
    log_info(concat("scoring Grow step ", grow_step, " by ", reward.name(), ": ", items.size(), " of ", shards,
                    " shards, ", counted(world.size(), "rank")));
  }
  const std::int64_t scored = score_shards(world, scorer, items, reward.name(), run.progress_sink());
  const std::int64_t total = sum(world, scored);
  if (total > 0) log_means(world, scorer.sums(), reward.name());
  if (total < static_cast<std::int64_t>(items.size())) {
    if (world.is_root()) log_info(concat("stopped after ", total, " of ", items.size(), " shards; start again"));
    return exit_stopped;
  }
  if (world.is_root()) {
    write_index(scorer.dir(), shards, {reward.name()});
    log_info(concat("reward ", reward.name(), " of ", shards, " shards: complete"));
  }
  barrier(world);
  return exit_success;
}

}  // namespace rest
