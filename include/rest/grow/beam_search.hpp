#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "rest/grow/generator.hpp"

namespace rest {

struct BeamOptions {
  std::int64_t beam = 4;
  double length_penalty = 1.0;        ///< alpha of score = log_prob / length^alpha; 0: plain log-probability
  std::int64_t max_length = 128;      ///< pieces, end piece not counted
  std::int64_t max_rows = 512;        ///< hypotheses decoded at a time; never fewer than one source's beam
  Kernels kernels = Kernels::native;  ///< of attention; a model on a GPU takes the operators anyway
};

/// A translation that beam search found.
struct Hypothesis {
  std::vector<Token> tokens;  ///< end piece not stored
  double log_prob;            ///< of the policy at T = 1, end piece included
  double score;               ///< log_prob / length^alpha, the end piece counted in the length
  bool finished;              ///< ended by itself, not cut at the maximum length
};

/// Beam search: at each source at least one and at most `beam` hypotheses, best first.
///
/// The definition, fairseq's but for the cut: a step ranks all continuations of the live hypotheses by log-probability.
/// Those among the first `beam` that end are finished; the best `beam` of the others live on. A source is done when
/// `beam` hypotheses have finished (or none lives on); what is still alive at the maximum length is cut and stands
/// behind all that finished. Equal log-probabilities go to the better ranked parent, then to the lower piece; equal
/// scores to what finished first. A beam of 1 is greedy decoding, a beam that holds all continuations of a step
/// exhaustive search.
///
/// Hypotheses are rows of one prefix tree: what they share is decoded and kept once, and branching copies nothing.
/// Throws Error when a source holds pieces that the model does not know. `tick`, if given, is called every step.
std::vector<std::vector<Hypothesis>> beam_search(const SamplingModel& model, const std::vector<GenerateSource>& sources,
                                                 const BeamOptions& options, const std::function<void()>& tick = {});

}  // namespace rest
