#pragma once

#include <cstdint>
#include <vector>

#include "rest/grow/generator.hpp"

namespace rest {

struct BeamOptions {
  std::int64_t beam = 4;
  double length_penalty = 1.0;    ///< alpha of score = log_prob / length^alpha; 0: plain log-probability
  std::int64_t max_length = 128;  ///< pieces, end piece not counted
  std::int64_t max_rows = 512;    ///< hypotheses decoded at a time; never fewer than one source's beam
};

/// A translation that beam search found.
struct Hypothesis {
  std::vector<Token> tokens;  ///< end piece not stored
  double log_prob;            ///< of the policy at T = 1, end piece included
  double score;               ///< log_prob / length^alpha, the end piece counted in the length
  bool finished;              ///< ended by itself, not cut at the maximum length
};

/// Beam search, at each source the best `beam` hypotheses, best first (fewer where there are no more).
///
/// The definition, that of fairseq: a step ranks all continuations of the live hypotheses by log-probability. Those
/// among the first `beam` that end are finished; the best `beam` of the others live on. A source is done when `beam`
/// hypotheses have finished (or none lives on); what is still alive at the maximum length is cut and stands behind all
/// that finished. Equal log-probabilities go to the better ranked parent, then to the lower piece; equal scores to what
/// finished first. With `beam` 1 it is greedy decoding, with no fewer than there are sequences exhaustive search.
///
/// Hypotheses are rows of one prefix tree: what they share is decoded and kept once, and branching copies nothing.
/// Throws Error when a source holds pieces that the model does not know.
std::vector<std::vector<Hypothesis>> beam_search(const Transformer& model, const std::vector<GenerateSource>& sources,
                                                 const BeamOptions& options);

}  // namespace rest
