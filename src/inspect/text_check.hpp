#pragma once

#include <vector>

#include "lineage_check.hpp"
#include "rest/core/experiment.hpp"
#include "rest/inspect/verify.hpp"

namespace rest {

/// Notes for texts and tokenizers outside of the run that are not, or no longer, what the run was prepared from:
/// without them rest_prepare cannot make its part again.
std::vector<Finding> changed_texts(const Experiment& experiment, const std::vector<CheckedArtefact>& artefacts);

}  // namespace rest
