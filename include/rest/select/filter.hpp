#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rest/core/span.hpp"
#include "rest/store/candidates.hpp"

namespace rest {

/// Candidates as filters see them: sources in order, the candidates of a source together.
struct ScoredCandidates {
  Span<const std::uint32_t> candidates_per_source;
  Span<const float> reward;         // [candidates]
  Span<const std::uint32_t> count;  // [candidates]; 0: takes no part, and is never kept
  Span<const std::uint8_t> origin;  // [candidates] Origin
};

/// Which candidates of D_g a step trains on (section 3.2, and the paper's section on filter choices). One interface;
/// one file a filter.
///
/// All of them: the filter applies to originals as to samples (equation 3). A candidate of count c weighs as c equal
/// ones. Cuts are worked out in double precision, rounded to float32 and compared with rewards in float32, as these are
/// stored: a reward of just tau is not above it, whatever its decimal form rounds to.
class Filter {
 public:
  virtual ~Filter() = default;

  /// Marks kept candidates (1). Throws Error when the columns differ in length or a reward is no number.
  std::vector<std::uint8_t> keep(const ScoredCandidates& candidates) const;

  /// For filters that need figures of all of D_g: called once before the first keep(). `each_part(look)` shows all of
  /// it to `look`, some sources at a time, in any order and on `workers` threads, and may be called again; `look` hears
  /// which of them it runs on. Most filters do not look.
  using Look = std::function<void(const ScoredCandidates&, std::size_t worker)>;
  virtual void look_first(std::size_t workers, const std::function<void(const Look&)>& each_part);

  /// What is kept, as tables show it: "R > 0.8", "top 4 a source".
  virtual std::string words() const = 0;
  /// The smallest reward that is kept, as looking at D_g gave it; nothing for filters that do not look.
  virtual std::optional<float> global_cut() const { return std::nullopt; }

 private:
  /// Sets kept[i] to 1 for what is kept; candidates of count 0 may be marked or not.
  virtual void mark(const ScoredCandidates& candidates, std::vector<std::uint8_t>& kept) const = 0;
};

/// R(x, y) > tau (equation 2); tau below 0 keeps everything.
class ThresholdFilter : public Filter {
 public:
  explicit ThresholdFilter(double threshold) : threshold_(threshold) {}
  std::string words() const override;

 private:
  void mark(const ScoredCandidates& candidates, std::vector<std::uint8_t>& kept) const override;
  double threshold_;
};

/// R > a cut of its own for every source, from the rewards of that source's samples. Originals are compared with the
/// cut but have no part in it: it says where a candidate stands among what the policy draws, and a reward against the
/// reference would put the original, always 1, on top of every source. A source without samples has no cut: all of it
/// is kept.
class SourceCutFilter : public Filter {
 protected:
  /// The samples of a source, by reward, falling.
  struct Sample {
    float reward;
    std::uint32_t count;
  };
  /// The smallest reward that is kept.
  virtual float cut(Span<const Sample> samples) const = 0;

 private:
  void mark(const ScoredCandidates& candidates, std::vector<std::uint8_t>& kept) const override;
};

/// Above the p-th percentile of the source's samples, 0 <= p < 1: more than a share p of them have at most this reward.
/// In other words R >= the smallest of their rewards of which that is true, a value that was drawn. Keeps at least 1 -
/// p of the samples, their best always: ties stand and fall together, and strictly above would empty the very sources
/// that the policy does best, where the highest reward is that of many.
class PercentileFilter : public SourceCutFilter {
 public:
  explicit PercentileFilter(double p) : p_(p) {}
  std::string words() const override;

 private:
  float cut(Span<const Sample> samples) const override;
  double p_;
};

/// R > gamma max + (1 - gamma) mean of the rewards of the source's samples, 0 <= gamma <= 1. At gamma = 1 no sample is
/// above its own maximum: only originals are left.
class InterpolationFilter : public SourceCutFilter {
 public:
  explicit InterpolationFilter(double gamma) : gamma_(gamma) {}
  std::string words() const override;

 private:
  float cut(Span<const Sample> samples) const override;
  double gamma_;
};

/// The k best samples of each source: kept is what fewer than k of them exceed in reward, R >= the k-th best (a source
/// of fewer samples is kept whole). Ties with the k-th, and the copies of a sample drawn more than once, stand and fall
/// together, so that more than k may be kept; the order of rows does not matter. An original comes on top where it is
/// as good: it takes no sample's place.
class TopKFilter : public SourceCutFilter {
 public:
  explicit TopKFilter(std::uint64_t k) : k_(k) {}
  std::string words() const override;

 private:
  float cut(Span<const Sample> samples) const override;
  std::uint64_t k_;
};

/// Above the q-quantile of all of D_g, samples and originals as in V_pi, 0 <= q < 1: more than a share q of D_g has at
/// most this reward. Keeps at least 1 - q of D_g, and more only for ties at the quantile, much as RAFT does (Dong et
/// al. 2023).
class QuantileFilter : public Filter {
 public:
  explicit QuantileFilter(double q) : q_(q) {}
  void look_first(std::size_t workers, const std::function<void(const Look&)>& each_part) override;
  std::string words() const override;
  std::optional<float> global_cut() const override { return cut_; }

 private:
  void mark(const ScoredCandidates& candidates, std::vector<std::uint8_t>& kept) const override;
  double q_;
  std::optional<float> cut_;
};

/// The filter of a name that improve.filter may have, with one of improve.thresholds.
std::unique_ptr<Filter> make_filter(const std::string& name, double threshold);

/// The threshold of Improve step i in 1..steps. Of more thresholds than steps those that keep most, the first ones, are
/// skipped. Throws UsageError when there are fewer thresholds than steps or they do not fit the filter.
std::vector<double> threshold_schedule(const std::string& filter, const std::vector<double>& thresholds,
                                       std::int64_t steps);

}  // namespace rest
