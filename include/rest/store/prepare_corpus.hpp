#pragma once

#include "rest/comm/communicator.hpp"
#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"

namespace rest {

/// Trains the tokenizer, or takes the given one, and encodes the bitext of the experiment to run.corpus("train"),
/// "valid", "test" and "monolingual", each with a report of what was dropped beside it (<name>.report.json).
///
/// Training and monolingual lines with invalid UTF-8, a blank side or more than data.max_length pieces are dropped and
/// logged by number. Validation and test sets lose no line: an invalid or blank one is an Error, the pieces of a long
/// one are cut (its text is kept whole). What is complete is left as it is; other inputs or options are refused. Rank 0
/// works, the others wait. Throws Stopped on all ranks when a stop was requested; only the training of a tokenizer goes
/// to its end before that.
void prepare_corpora(const Communicator& world, const Experiment& experiment, const RunDirectory& run);

}  // namespace rest
