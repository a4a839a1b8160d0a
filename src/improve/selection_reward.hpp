#pragma once

#include <memory>

#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/eval/evaluator.hpp"
#include "rest/train/trainer.hpp"

namespace rest {

double mean_of(const std::vector<double>& values);

/// Throws Error unless a reward column was made by this reward: the same name may have meant another one.
void require_made_by(const Reward& reward, const std::filesystem::path& column);

/// The score that checkpoints of Improve steps are chosen by: mean reward of sampled translations of the selection half
/// of validation.
class SelectionReward {
 public:
  /// `experiment` must outlive this.
  SelectionReward(const Experiment& experiment, const RunDirectory& run, torch::Device device);

  Evaluation operator()(const Communicator& world, const Policy& policy) const;  ///< collective, equal on all ranks
  /// The mean of each source's samples. Collective.
  std::vector<double> by_source(const Communicator& world, const Policy& policy) const;
  const Corpus& corpus() const { return valid_; }
  const Reward& reward() const { return *reward_; }

 private:
  const Experiment& experiment_;
  Corpus valid_;
  Tokenizer tokenizer_;
  std::unique_ptr<Reward> reward_;
};

}  // namespace rest
