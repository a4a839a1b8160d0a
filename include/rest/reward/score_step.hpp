#pragma once

#include <cstdint>

#include "rest/comm/communicator.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/reward/reward.hpp"

namespace rest {

/// Writes the column of `reward` for every shard of a Grow step over the corpus "train" that has none yet, originals
/// included, and lists it in the step's index. An original is judged by its text in the corpus, a sample by its decoded
/// pieces. Ranks take shards from a queue. Returns exit_success, or exit_stopped when a signal ended it early.
/// Throws Error: step incomplete, shards of another corpus or tokenizer, no reference where the reward needs one.
int run_score_step(const Communicator& world, const RunDirectory& run, std::int64_t grow_step, const Reward& reward);

}  // namespace rest
