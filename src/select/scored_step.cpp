#include "rest/select/scored_step.hpp"

#include <utility>

#include "rest/core/error.hpp"
#include "rest/select/step_digest.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

std::string digest_of(const fs::path& file, const std::string& made_by) {
  const auto record = find_committed(file);
  return record ? record->sha256 : verify_committed(file, made_by).sha256;  // which says what is wrong
}

void require_verified(const fs::path& file, const std::string& sha256, const std::string& made_by) {
  if (verify_committed(file, made_by).sha256 == sha256) return;
  throw Error(file.string() + " was replaced while it was in use", "", "start again when nothing else writes there");
}

void require_equal(const fs::path& grow_dir, const std::string& what, const std::string& there,
                   const std::string& corpus) {
  if (there == corpus) return;
  throw Error(concat(grow_dir.string(), ": its candidates belong to another ", what, " than the corpus of this run"),
              concat("attribute ", what, " of index.h5 is ", there, ", the corpus has ", corpus),
              "use the corpus it was grown from, or grow again in another run directory");
}

}  // namespace

ScoredStep::ScoredStep(fs::path grow_dir, std::string reward, const CorpusSources& sources)
    : grow_dir_(std::move(grow_dir)), reward_(std::move(reward)), sources_(sources), extent_(read_extent(grow_dir_)) {
  require_corpus();
  for (std::int64_t shard = 0; shard < extent_.shards(); ++shard) {
    files_.push_back({{digest_of(shard_path(shard), "rest_grow")}, {digest_of(rewards_path(shard), "rest_score")}});
    if (files_.back().shard.sha256 == extent_.shard_digests[index(shard)]) continue;
    throw Error(shard_path(shard).string() + " was replaced after index.h5 beside it was written", "",
                "run rest_grow, which writes it anew");
  }
}

void ScoredStep::require_corpus() const {
  require_equal(grow_dir_, "corpus", extent_.attributes.corpus_digest, sources_.digest());
  require_equal(grow_dir_, "tokenizer", extent_.attributes.tokenizer_digest, sources_.tokenizer_digest());
  const std::uint64_t end = extent_.source_offset.back();
  if (end <= sources_.size()) return;
  throw Error(concat(grow_dir_.string(), ": its sources end at ", end, ", the corpus has ", sources_.size()));
}

std::string ScoredStep::digest() const {
  StepDigest digest;
  for (std::int64_t shard = 0; shard < shards(); ++shard) {
    digest.add(shard, files(shard).shard.sha256, reward_, files(shard).rewards.sha256);
  }
  return digest.hex();
}

ShardRange ScoredStep::whole(std::int64_t shard) const {
  ShardRange range;
  range.sources = static_cast<std::size_t>(extent_.source_offset[index(shard) + 1] - source_offset(shard));
  range.candidates = static_cast<std::size_t>(extent_.candidate_offset[index(shard) + 1] - candidate_offset(shard));
  return range;
}

void ScoredStep::verify_shard(std::int64_t shard) const {
  File& file = files(shard).shard;
  if (file.verified) return;
  require_verified(shard_path(shard), file.sha256, "rest_grow");
  file.verified = true;
}

void ScoredStep::verify_rewards(std::int64_t shard) const {
  File& file = files(shard).rewards;
  if (file.verified) return;
  require_verified(rewards_path(shard), file.sha256, "rest_score");
  const std::lock_guard<std::mutex> alone(hdf5_);
  files(shard).layout = scored_layout(rewards_path(shard), files(shard).shard.sha256, whole(shard));
  file.verified = true;
}

void ScoredStep::read(std::int64_t shard, const ShardRange& range, ScoredColumns& into) const {
  verify_rewards(shard);
  if (const auto& layout = files(shard).layout) return read_scored(rewards_path(shard), *layout, range, into);
  verify_shard(shard);
  const std::lock_guard<std::mutex> alone(hdf5_);
  read_scored(shard_path(shard), rewards_path(shard), range, into);
}

Ragged<Token> ScoredStep::read_candidates(std::int64_t shard, const ShardRange& range,
                                          Span<const std::uint32_t> lengths) const {
  verify_shard(shard);
  return read_range_tokens(shard_path(shard), range, lengths);
}

Ragged<Token> ScoredStep::read_sources(std::int64_t shard, const ShardRange& range) const {
  return sources_.read(source_offset(shard) + range.first_source, range.sources);
}

}  // namespace rest
