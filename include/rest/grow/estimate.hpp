#pragma once

#include <cstdint>
#include <string>

#include "rest/comm/communicator.hpp"
#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/grow/grow_step.hpp"

namespace rest {

struct EstimateRequest {
  std::int64_t for_ranks = 0;  ///< ranks to estimate for; 0: those of this run
  std::int64_t sources = 0;    ///< to sample; 0: four shards' worth, at least one a rank
  double candidates = 0.0;     ///< samples of the whole step; 0: grow.samples of every source of the corpus
  int threads = 1;             ///< computing threads of a rank: the cores it stands for
  std::string json_file;       ///< empty: only the table
};

/// Estimates what a Grow step costs before it is run: samples a few shards' worth of sources, spread over the corpus by
/// a keyed permutation, with the experiment's options, in batches of a shard or less that the ranks share; writes a
/// sample shard and a column of a reward's width to a temporary directory. Prints candidate tokens/s, time, core-hours
/// and disk of the step, with 95 % intervals from the spread between batches. Leaves nothing in the run. Ranks beyond
/// these are taken to be as fast as these. Returns exit_success, or exit_stopped when a signal ended it. Collective.
int estimate_grow_step(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                       const GrowRequest& step, const EstimateRequest& request);

}  // namespace rest
