#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "rest/select/filter.hpp"
#include "rest/select/scored_step.hpp"
#include "rest/store/corpus.hpp"

namespace rest {

/// One training pair. `id` names it for ever (whatever the view): the key of its dropout masks.
struct Example {
  Span<const Token> source, target;
  float weight;  ///< how often it counts in the loss: multiplicity, mixture weight
  std::uint64_t id;
};

/// Training pairs by position; decorators and views implement it. (Pairs stay valid while the dataset lives.)
class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual std::size_t size() const = 0;
  virtual Example get(std::size_t i) const = 0;
};

/// A bitext corpus as it is, weight 1.
class CorpusDataset : public Dataset {
 public:
  explicit CorpusDataset(const Corpus& corpus) : corpus_(corpus) {}
  std::size_t size() const override { return corpus_.size(); }
  Example get(std::size_t i) const override { return {corpus_.source.tokens[i], corpus_.target.tokens[i], 1.0f, i}; }

 private:
  const Corpus& corpus_;
};

/// Sums over the candidates of a Grow step, each weighted by its count; originals included.
struct RewardSummary {
  std::uint64_t candidates = 0;  ///< count-weighted
  std::uint64_t distinct = 0;    ///< rows
  std::uint64_t originals = 0, unfinished = 0;
  std::uint64_t sources = 0, sources_empty = 0;  ///< sources_empty: sources without a kept candidate
  double tokens = 0.0;                           ///< count-weighted target tokens, end piece included
  double mean_reward = 0.0;                      ///< V_pi of the step when over all of D_g
};

/// Samples cut at the maximum length: left out of what filters see and of training, or treated like any other.
/// (Originals end where the reference does: they count as finished.)
enum class Unfinished { left_out, as_any };

/// The candidates of a Grow step that pass a filter, as training pairs, each weighted by its count. Holds what it kept
/// in memory, nothing else.
class CandidateView : public Dataset {
 public:
  /// Lets the filter look at the step first if it wants to.
  CandidateView(const ScoredStep& step, Filter& filter, Unfinished unfinished = Unfinished::left_out);
  /// Weighs samples and originals so that `lambda` is the share of sampled data in the summed weight x tokens (A.9),
  /// and leaves out what gets no weight; negative: as they come. Throws Error when lambda needs what was not kept.
  void mix(double lambda);
  std::size_t size() const override { return rows_.size(); }
  Example get(std::size_t i) const override;
  std::uint32_t source(std::size_t i) const { return rows_[i].source; }  ///< its position in the corpus
  const RewardSummary& all() const { return all_; }                      ///< of D_g
  const RewardSummary& kept() const { return kept_; }
  double sampled_share() const { return sampled_share_; }  ///< of weight x tokens, behind mix()

 private:
  struct Row {
    std::uint64_t offset;
    std::uint32_t length, source;
    float weight;
    std::uint8_t origin;  // Origin
    std::uint64_t id;     // row in the whole Grow step: the same whatever the filter
  };
  void add_rows(const CandidateShard& shard, const std::vector<std::uint8_t>& keep, std::uint64_t first_id);
  const Corpus& sources_;
  std::filesystem::path grow_dir_;
  std::vector<Token> tokens_;
  std::vector<Row> rows_;
  RewardSummary all_, kept_;
  double sampled_share_ = 0.0;
};

}  // namespace rest
