#pragma once

#include <optional>

#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/eval/bootstrap.hpp"
#include "selection_reward.hpp"

namespace rest {

/// What an Improve step did to the reward that is watched and never optimised (reward.watch).
struct Watched {
  double before, after;  ///< mean of the policy it started from, and of the one it gave
  PairedDifference change;

  /// Beyond doubt: the whole 95 % interval is below 0.
  bool fell() const { return change.difference.high < 0.0; }
};

/// Compares the policies of Improve steps by the watched reward, as SelectionReward does by the other, and keeps the
/// answer in watch.json beside step.json. Its lineage knows nothing of training: a reward may be watched afterwards.
class Watch {
 public:
  /// The watched reward of `experiment`, which names one.
  Watch(const Experiment& experiment, const RunDirectory& run, torch::Device device);

  /// Of the step in `directory` that started from the policy in `parent`: what is there, or is found now and written.
  /// Collective. Throws Stopped as evaluate_outputs() does.
  Watched compare(const Communicator& world, const std::filesystem::path& directory,
                  const std::filesystem::path& parent) const;
  const std::string& name() const { return experiment_.reward.name; }

 private:
  Experiment experiment_;  // with the watched reward in the place of the other
  torch::Device device_;
  SelectionReward reward_;
};

/// That of the step in `directory`, if it is there.
std::optional<Watched> read_watched(const std::filesystem::path& directory);

/// Of the weights in `directory`.
std::string policy_digest(const std::filesystem::path& directory);

}  // namespace rest
