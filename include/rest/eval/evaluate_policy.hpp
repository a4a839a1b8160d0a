#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "rest/comm/communicator.hpp"
#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/eval/decoding.hpp"
#include "rest/model/device.hpp"

namespace rest {

struct EvaluationRequest {
  std::string policy = "g0-i0";
  std::string corpus = "valid";       ///< "valid" (its report half) or "test"
  std::string compare;                ///< another policy, evaluated before on the same corpus; empty: none
  std::optional<double> temperature;  ///< of the sampled output, instead of evaluate.temperature
  DecodingRequest decoding;           ///< further ways of decoding, evaluated behind it
  torch::Device device = torch::kCPU;
};

/// Where the evaluation of `policy` that `request` asks for lies.
std::filesystem::path metrics_file(const RunDirectory& run, const EvaluationRequest& request,
                                   const std::string& policy);

/// Reward of sampled and of greedy output, corpus BLEU and chrF, length ratio, distinct-n and the exact KL to g0-i0,
/// with bootstrap intervals over sources; committed to metrics/<policy>.<corpus>.json (".t<T>" when a temperature is
/// given) and printed as a table, with the paired bootstrap against `compare` behind it. What is complete is printed
/// again, not made again. Ends with evaluate_decoding() where ways of decoding are asked for. Throws Stopped on all
/// ranks when a stop was requested: the evaluation begins anew next time.
void evaluate_policy(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                     const EvaluationRequest& request);

}  // namespace rest
