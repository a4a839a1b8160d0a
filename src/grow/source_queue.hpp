#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "decoder/source_memory.hpp"
#include "rest/grow/generator.hpp"

namespace rest {

/// Samples [first_sample, last_sample) of a source, decoded together. The forced target, where there is one, counts as
/// sample number options.samples.
struct Pass {
  std::size_t source;
  std::uint32_t first_sample, last_sample;
  SourceMemory memory;
  std::uint32_t size() const { return last_sample - first_sample; }
};

/// The passes to decode, longest sources first (what is left over at the end is then short), encoded in groups when
/// their turn comes. The order and the groups follow from sources and options alone.
class SourceQueue {
 public:
  /// Throws Error when a source or its target holds pieces that the model does not know.
  SourceQueue(const Transformer& encoder, const std::vector<GenerateSource>& sources, const GenerateOptions& options,
              PhaseTimes& times);

  bool empty() const { return next_ == order_.size(); }
  /// The next pass if it has at most `room` samples.
  std::optional<Pass> take(std::int64_t room);

 private:
  std::int64_t total(std::size_t source) const { return samples_ + (sources_[source].has_original ? 1 : 0); }

  const Transformer& encoder_;
  PhaseTimes& times_;
  const std::vector<GenerateSource>& sources_;
  std::int64_t samples_, max_rows_;
  std::vector<std::size_t> order_;   // sources that have anything to decode
  std::size_t next_ = 0;             // in order_
  std::int64_t done_ = 0;            // samples of that source in earlier passes
  std::vector<SourceMemory> group_;  // memories of the group that next_ is in
};

}  // namespace rest
