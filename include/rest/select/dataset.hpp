#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "rest/core/ragged.hpp"
#include "rest/core/span.hpp"
#include "rest/store/corpus.hpp"

namespace rest {

/// One training pair. `id` names it for ever (whatever the view): the key of its dropout masks.
struct Example {
  Span<const Token> source, target;
  float weight;  ///< how often it counts in the loss: multiplicity, mixture weight
  std::uint64_t id;
  float rating = 0.0f;  ///< in [0, 1], where translations are rated
};

/// Training pairs in memory, by position. (Pairs stay valid while the dataset lives.)
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

/// An epoch of training pairs, window by window: each a part of the epoch's keyed shuffle that fits into memory,
/// together every pair once.
class ShuffledData {
 public:
  static constexpr std::uint64_t window_examples = 65536;  ///< about

  virtual ~ShuffledData() = default;
  virtual std::uint64_t size() const = 0;     ///< pairs
  virtual std::uint64_t windows() const = 0;  ///< of every epoch
  /// The pairs of a window in shuffled order: a function of the arguments alone. May be called on a thread of its own,
  /// by one at a time. The data outlives what it returns.
  virtual std::unique_ptr<const Dataset> load(std::uint64_t seed, std::uint64_t epoch, std::uint64_t window) const = 0;
};

/// Shuffles pairs that are in memory. `dataset` must outlive it.
class ShuffledDataset : public ShuffledData {
 public:
  explicit ShuffledDataset(const Dataset& dataset) : dataset_(dataset) {}
  std::uint64_t size() const override { return dataset_.size(); }
  std::uint64_t windows() const override { return (size() + window_examples - 1) / window_examples; }
  std::unique_ptr<const Dataset> load(std::uint64_t seed, std::uint64_t epoch, std::uint64_t window) const override;

 private:
  const Dataset& dataset_;
};

}  // namespace rest
