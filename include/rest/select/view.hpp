#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "rest/select/filter.hpp"
#include "rest/select/kept_candidates.hpp"
#include "rest/select/reward_summary.hpp"
#include "rest/select/scored_step.hpp"

namespace rest {

/// Samples cut at the maximum length: left out of what filters see and of training, or treated like any other.
/// (Originals end where the reference does: they count as finished.)
enum class Unfinished { left_out, as_any };

/// The candidates of a Grow step that pass a filter, as training pairs, each weighted by its count. Holds a few bytes
/// for every block, a run of sources of about 4,096 candidates, and reads the candidates when they are asked for: an
/// epoch is a keyed shuffle of the blocks that have any, cut into windows of equally many, and a keyed shuffle of the
/// rows in each window.
class CandidateView : public ShuffledData {
 public:
  /// Lets the filter look at the step first if it wants to. Both must outlive the view. `workers` threads choose: as
  /// many as there are cores for; what they find does not depend on how many they are.
  CandidateView(const ScoredStep& step, Filter& filter, Unfinished unfinished = Unfinished::left_out,
                std::size_t workers = 1);
  /// Weighs samples and originals so that `lambda` is the share of sampled data in the summed weight x tokens (A.9),
  /// and leaves out what gets no weight; negative: as they come. Throws Error when lambda needs what was not kept.
  void mix(double lambda);

  std::uint64_t size() const override { return size_; }
  std::uint64_t windows() const override;
  std::unique_ptr<const Dataset> load(std::uint64_t seed, std::uint64_t epoch, std::uint64_t window) const override;
  /// Shows everything in the order it is stored, block by block: a source is whole in one of them.
  void each_block(const std::function<void(const KeptCandidates&)>& look) const;

  const RewardSummary& all() const { return all_; }  ///< of D_g
  const RewardSummary& kept() const { return kept_; }
  double sampled_share() const { return sampled_share_; }  ///< of weight x tokens, behind mix()

 private:
  struct Block {
    std::int64_t shard;
    ShardRange range;
    std::uint32_t samples, originals;  // kept rows
  };
  /// Factors on the weights of samples and of originals.
  struct Mixture {
    double sample, original;
  };
  static Mixture mixture_for(double lambda, double share, const std::filesystem::path& grow_dir);
  struct ShardChoice;
  ShardChoice choose(std::int64_t shard, const ScoredColumns& columns) const;
  std::vector<std::uint32_t> counts_of(const ScoredColumns& columns, const ShardRange& range) const;
  std::vector<std::uint8_t> keep(const ScoredColumns& columns, const ShardRange& range) const;
  void load_block(const Block& block, KeptCandidates& into) const;
  std::size_t rows_of(const Block& block) const;

  const ScoredStep& step_;
  const Filter& filter_;
  Unfinished unfinished_;
  std::vector<Block> blocks_;        // that keep something
  std::vector<std::uint32_t> used_;  // those with a weight behind mix()
  std::uint64_t size_ = 0;
  RewardSummary all_, kept_;
  double kept_share_ = 0.0, sampled_share_ = 0.0;  // before and behind mix()
  Mixture factor_{1.0, 1.0};
};

}  // namespace rest
