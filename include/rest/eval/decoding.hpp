#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rest/comm/communicator.hpp"
#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/eval/evaluator.hpp"
#include "rest/model/policy.hpp"

namespace rest {

/// The largest N of Best-of-N.
constexpr std::int64_t largest_best_of = 200;

/// Ways of decoding to evaluate beside sampled and greedy output.
struct DecodingRequest {
  std::vector<std::int64_t> best_of;  ///< N of Best-of-N, ascending; the last is the number of samples a source
  bool mbr = false;                   ///< minimum Bayes risk by chrF over the same samples
  std::int64_t beam = 0;              ///< beam search of so many hypotheses; 0: none
  double length_penalty = 1.0;        ///< of beam search
  bool any() const { return !best_of.empty() || mbr || beam > 0; }
};

/// A policy that evaluate_policy() is done with.
struct EvaluatedPolicy {
  const Policy& policy;
  std::string name, corpus;
  std::optional<double> asked_temperature;  ///< in the names of files made by sampling
};

/// Evaluates ways of decoding: each with a file of its own in metrics/ (data/README.md), next to the greedy output of
/// the evaluation that is there. What is complete is printed again, not made again. Collective. Throws UsageError when
/// sampling is asked for at temperature 0.
void evaluate_decoding(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                       const EvaluatedPolicy& evaluated, const EvaluationSet& set, const DecodingRequest& request);

}  // namespace rest
