#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/grow/generator.hpp"
#include "rest/model/policy.hpp"
#include "rest/store/candidates.hpp"
#include "rest/store/corpus.hpp"

namespace rest {

/// One Grow step's inputs, checked against each other, and how a shard is made from them.
class ShardGrower {
 public:
  ShardGrower(const Experiment& experiment, const RunDirectory& run, std::int64_t grow_step,
              const std::filesystem::path& policy_directory, torch::Device device);

  std::int64_t shards() const;
  std::int64_t sources(std::int64_t shard) const;
  std::filesystem::path file(std::int64_t shard) const { return shard_file(directory_, shard); }
  const std::filesystem::path& directory() const { return directory_; }
  torch::Device device() const { return model_.device(); }
  Lineage lineage(std::int64_t shard) const;
  ShardAttributes attributes() const;

  CandidateShard sample(std::int64_t shard, const std::function<void(const GenerateCounts&)>& tick) const;
  /// Any sources, as if they were a shard (of first source 0).
  CandidateShard sample(const std::vector<std::uint64_t>& sources,
                        const std::function<void(const GenerateCounts&)>& tick) const;
  std::uint64_t corpus_size() const { return corpus_.size(); }

 private:
  GrowOptions options_;
  std::int64_t grow_step_;
  std::filesystem::path directory_;
  Corpus corpus_;
  Policy policy_;
  SamplingModel model_;
};

}  // namespace rest
