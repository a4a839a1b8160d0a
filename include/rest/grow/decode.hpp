#pragma once

#include <functional>
#include <vector>

#include "rest/grow/beam_search.hpp"
#include "rest/grow/generator.hpp"

namespace rest {

/// A way to get candidates of sources from a policy, in the order of the sources: at least one each.
using Decode = std::function<std::vector<std::vector<Candidate>>(const std::vector<GenerateSource>&)>;

/// generate(): sampling, or greedy at temperature 0. The model must outlive it.
Decode sampling_decode(const Transformer& model, const GenerateOptions& options);

/// beam_search(): the best hypothesis alone. The model must outlive it.
Decode beam_decode(const Transformer& model, const BeamOptions& options);

}  // namespace rest
