#pragma once

#include <functional>
#include <string>
#include <vector>

#include "rest/grow/beam_search.hpp"
#include "rest/grow/generator.hpp"

namespace rest {

/// A way to get candidates of sources from a policy. `run` gives at least one for each source, in their order, and
/// calls `tick` at every decoding step; `name` is for progress lines.
struct Decode {
  using Run = std::vector<std::vector<Candidate>>(const std::vector<GenerateSource>&,
                                                  const std::function<void()>& tick);
  std::string name;
  std::function<Run> run;
};

/// generate(): sampling, or greedy at temperature 0.
Decode sampling_decode(const SamplingModel& model, const GenerateOptions& options);

/// beam_search(): the best hypothesis alone.
Decode beam_decode(const SamplingModel& model, const BeamOptions& options);

}  // namespace rest
