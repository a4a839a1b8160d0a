#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "rest/core/ragged.hpp"
#include "rest/grow/phase_times.hpp"
#include "rest/grow/sampling_head.hpp"
#include "rest/grow/sampling_model.hpp"
#include "rest/model/device.hpp"

namespace rest {

/// One distinct candidate of a source.
struct Candidate {
  std::vector<Token> tokens;  ///< end piece not stored
  double log_prob;            ///< of the policy at T = 1, end piece included
  double sampling_log_prob;   ///< of the distribution drawn from
  std::uint32_t count;        ///< samples that came out equal
  bool finished;
  bool original;  ///< the forced target, not a sample
};

struct GenerateOptions {
  SamplingOptions sampling;
  std::int64_t samples = 1;          ///< N per source (greedy: 1 is enough and what is done)
  std::int64_t max_length = 128;     ///< pieces of a sample, end piece not counted
  std::int64_t max_rows = 512;       ///< distinct prefixes decoded at a time
  std::uint64_t seed = 1, step = 0;  ///< key of the draws, with the source's id and the sample's number
  enum class Sharing { prefixes, none } sharing = Sharing::prefixes;  ///< none: one row a sample, the naive reference
  Kernels kernels = Kernels::native;  ///< of decoder and head; a model on a GPU takes the operators anyway
};

/// A source to sample from; `id` names it for ever (position in the corpus): key of its draws.
struct GenerateSource {
  Span<const Token> tokens;  ///< without end piece
  std::uint64_t id;
  Span<const Token> original{};  ///< when not empty-and-absent: its target, scored along with the samples
  bool has_original = false;
};

/// What was computed, for progress and for the sharing ratio.
struct GenerateCounts {
  std::uint64_t sources = 0, candidate_tokens = 0, computed_tokens = 0;  ///< the latter: rows decoded
  PhaseSeconds seconds{};
};
GenerateCounts operator+(GenerateCounts a, const GenerateCounts& b);

/// Candidates of each source, in the order of `sources`: samples by their first sample number, then the original.
/// Draws are keyed by (seed, step, source id, sample, position) and the batch of rows is formed from `sources` and
/// `options` alone. `tick`, if given, is called every decoding step (progress, work queue, stop).
std::vector<std::vector<Candidate>> generate(const SamplingModel& model, const std::vector<GenerateSource>& sources,
                                             const GenerateOptions& options,
                                             const std::function<void(const GenerateCounts&)>& tick = {});

}  // namespace rest
