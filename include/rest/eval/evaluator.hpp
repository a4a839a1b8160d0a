#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rest/comm/communicator.hpp"
#include "rest/core/progress.hpp"
#include "rest/grow/decode.hpp"
#include "rest/model/policy.hpp"
#include "rest/reward/reward.hpp"
#include "rest/store/corpus.hpp"
#include "rest/text/tokenizer.hpp"

namespace rest {

/// Sources to evaluate on, with what judges them.
struct EvaluationSet {
  const Corpus& corpus;
  std::vector<std::size_t> sources;  ///< positions in the corpus
  const Tokenizer& tokenizer;
  const Reward& reward;
  std::string label = {};  ///< what progress lines call it ("evaluate g0-i0 on valid"); empty: none
  ProgressSink sink = {};
  const Reward* watched = nullptr;  ///< judges beside the other; null: none
};

/// Texts and rewards of one source's candidates, in their order.
struct JudgedCandidates {
  std::vector<std::string> text;
  std::vector<float> reward;
  std::vector<float> watched;  ///< empty when no reward is watched
};
JudgedCandidates judge_candidates(const EvaluationSet& set, std::size_t source,
                                  const std::vector<Candidate>& candidates);

/// Decodes every source of a set and gives what `figures(position in the corpus, candidates)` says of each, in the
/// set's order, equal on all ranks. Sources are shared out in fixed chunks, so that the result does not depend on the
/// rank count. Collective.
using CandidateFigures = std::function<nlohmann::json(std::size_t source, const std::vector<Candidate>& candidates)>;
nlohmann::json evaluate_candidates(const Communicator& world, const EvaluationSet& set, const Decode& decode,
                                   const CandidateFigures& figures);

/// What a policy says to each source of a set, in the set's order, equal on all ranks.
struct Outputs {
  std::vector<double> reward;     ///< per source: mean over its candidates, weighted by count
  std::vector<std::string> text;  ///< per source: its first candidate
  std::vector<double> length;     ///< per source: mean pieces, end piece included
  std::vector<double> watched;    ///< per source: like `reward`, by the watched one; empty when there is none
};

/// By evaluate_candidates(). Collective. Throws Stopped on all ranks when a stop was requested on one.
Outputs evaluate_outputs(const Communicator& world, const EvaluationSet& set, const Decode& decode);
/// Samples (or greedy, temperature 0).
Outputs evaluate_outputs(const Communicator& world, const SamplingModel& model, const EvaluationSet& set,
                         const GenerateOptions& options);

/// Exact KL(policy || reference) per position, in nats, on the policy's own samples at T = 1, one a source: at every
/// position of a sample (end piece included) the sum over the whole vocabulary. Per source: sum over positions, count.
struct KlPerSource {
  std::vector<double> sum, positions;
  double mean_per_position() const;
};
KlPerSource evaluate_kl(const Communicator& world, const SamplingModel& policy, const Transformer& reference,
                        const EvaluationSet& set, const GenerateOptions& options);

/// Share of distinct word n-grams among all word n-grams of the texts (Li et al. 2016).
double distinct_n(const std::vector<std::string>& texts, std::size_t n);

}  // namespace rest
