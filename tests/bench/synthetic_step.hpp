#pragma once

#include <cstdint>
#include <vector>

#include "rest/store/candidates.hpp"
#include "rest/store/corpus.hpp"

namespace rest {

/// A Grow step that looks like a scored one to whoever reads it: 100 candidates a source, the last of them the
/// original, 5 to 10 pieces each of 32,000 with frequencies as 1 / rank; one in 20 drawn twice, one in 50 unfinished.
class SyntheticStep {
 public:
  static constexpr std::uint32_t candidates_per_source = 100;
  static constexpr std::uint32_t sources_per_shard = 2048;

  explicit SyntheticStep(std::uint64_t candidates) : sources_(candidates / candidates_per_source) {}
  std::uint64_t sources() const { return sources_; }
  std::uint64_t candidates() const { return sources_ * candidates_per_source; }
  std::int64_t shards() const {
    return static_cast<std::int64_t>((sources_ + sources_per_shard - 1) / sources_per_shard);
  }

  Corpus corpus() const;
  CandidateShard shard(std::int64_t number) const;
  std::vector<float> rewards(const CandidateShard& shard, std::int64_t number) const;  ///< [candidates]

 private:
  std::uint64_t sources_;
};

}  // namespace rest
