#include "rest/select/scored_step.hpp"

#include <utility>

#include "rest/core/error.hpp"
#include "rest/select/step_digest.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

CommitRecord record_of(const fs::path& file, const std::string& made_by) {
  const auto record = find_committed(file);
  return record ? *record : verify_committed(file, made_by);  // which says what is wrong
}

void require_verified(const fs::path& file, const CommitRecord& record, const std::string& made_by) {
  if (verify_committed(file, made_by).sha256 == record.sha256) return;
  throw Error(file.string() + " was replaced while it was in use", "", "start again when nothing else writes there");
}

void require_equal(const fs::path& file, const std::string& what, const std::string& there, const std::string& corpus) {
  if (there.empty() || corpus.empty() || there == corpus) return;
  throw Error(concat(file.string(), ": its candidates belong to another ", what, " than the corpus of this run"),
              concat("attribute ", what, " is ", there, ", the corpus has ", corpus),
              "use the corpus it was grown from, or grow again in another run directory");
}

}  // namespace

ScoredStep::ScoredStep(fs::path grow_dir, std::string reward, const Corpus& sources)
    : grow_dir_(std::move(grow_dir)), reward_(std::move(reward)), sources_(sources) {
  for (std::int64_t shard = 0, shards = shard_count(grow_dir_); shard < shards; ++shard) {
    files_.push_back({record_of(shard_path(shard), "rest_grow"), record_of(rewards_path(shard), "rest_score")});
  }
}

std::string ScoredStep::digest() const {
  StepDigest digest;
  for (std::size_t shard = 0; shard < files_.size(); ++shard) {
    digest.add(static_cast<std::int64_t>(shard), files_[shard].shard.sha256, reward_, files_[shard].rewards.sha256);
  }
  return digest.hex();
}

void ScoredStep::verify(std::int64_t shard) const {
  Files& files = files_.at(static_cast<std::size_t>(shard));
  if (files.verified) return;
  require_verified(shard_path(shard), files.shard, "rest_grow");
  require_verified(rewards_path(shard), files.rewards, "rest_score");
  const ShardAttributes attributes = read_shard_attributes(shard_path(shard), Verify::done_before);
  require_equal(shard_path(shard), "corpus", attributes.corpus_digest, sources_.digest);
  require_equal(shard_path(shard), "tokenizer", attributes.tokenizer_digest, sources_.tokenizer_digest);
  files.verified = true;
}

std::vector<float> ScoredStep::read_rewards_of(std::int64_t shard, std::size_t candidates) const {
  const std::string& digest = files_[static_cast<std::size_t>(shard)].shard.sha256;
  std::vector<float> rewards = read_rewards(rewards_path(shard), digest, Verify::done_before).reward;
  if (rewards.size() == candidates) return rewards;
  throw Error(concat(rewards_path(shard).string(), ": dataset reward: ", rewards.size(), " values for ", candidates,
                     " candidates"));
}

ScoredStep::Shard ScoredStep::read(std::int64_t shard) const {
  verify(shard);
  Shard read{read_shard(shard_path(shard), Verify::done_before), {}};
  read.rewards = read_rewards_of(shard, read.candidates.size());
  const std::uint64_t end = static_cast<std::uint64_t>(read.candidates.first_source) + read.candidates.sources();
  if (end <= sources_.size()) return read;
  throw Error(concat(shard_path(shard).string(), ": its sources end at ", end, ", the corpus has ", sources_.size()));
}

ScoredStep::Columns ScoredStep::read_columns(std::int64_t shard) const {
  verify(shard);
  Columns read{read_candidate_columns(shard_path(shard), Verify::done_before), {}};
  read.rewards = read_rewards_of(shard, read.candidates.count.size());
  return read;
}

}  // namespace rest
