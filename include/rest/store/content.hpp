#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "rest/store/candidates.hpp"
#include "rest/store/corpus.hpp"

namespace rest {

// Files as they are, whatever their commit records say: for looking at a run that may be damaged. Shapes and values are
// checked as on every read (an Error names file and dataset); `lineage` is the one that the file itself holds.

struct CorpusContent {
  Corpus corpus;  ///< without digest
  Lineage lineage;
};
CorpusContent load_corpus(const std::filesystem::path& file);
/// Sentences of a corpus, from its header alone.
std::uint64_t corpus_size(const std::filesystem::path& file);

struct ShardContent {
  CandidateShard shard;
  ShardAttributes attributes;
  Lineage lineage;
};
ShardContent load_shard(const std::filesystem::path& file);

struct RewardContent {
  RewardColumn column;
  Lineage lineage;
};
RewardContent load_rewards(const std::filesystem::path& file);

struct IndexContent {
  std::vector<std::uint64_t> source_offset, candidate_offset, token_offset;  ///< [shards + 1] each
  ShardAttributes attributes;
  Lineage lineage;
};
/// Also throws Error when a virtual dataset, those of `lineage`'s rewards included, is missing or of another size than
/// the offsets say.
IndexContent load_index(const std::filesystem::path& file);

}  // namespace rest
