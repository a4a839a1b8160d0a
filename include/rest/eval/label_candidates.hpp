#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "rest/comm/communicator.hpp"
#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/model/device.hpp"
#include "rest/text/bitext.hpp"

namespace rest {

struct LabelRequest {
  std::string name;  ///< of the file: run.ratings(name)
  std::string policy = "g0-i0";
  std::string by = "chrf";    ///< built-in reward, which needs the references
  std::int64_t samples = 16;  ///< a source
  Bitext bitext;              ///< sources with references, best ones that no policy was trained on
  torch::Device device = torch::kCPU;
};

/// Samples candidates of a policy by the experiment's [grow] and writes them with their rewards as ratings (source,
/// candidate, reward, reference): what a reference-free reward can be learned from without human ratings. Equal
/// candidates of a source stand there once, blank ones not at all. What is complete is left as it is. Collective.
/// Throws Stopped on all ranks when a stop was requested.
void label_candidates(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                      const LabelRequest& request);

}  // namespace rest
