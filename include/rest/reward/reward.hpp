#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/core/span.hpp"
#include "rest/model/device.hpp"

namespace rest {

/// What a reward judges. The texts belong to the caller.
struct ScoredText {
  const std::string& source;
  const std::string& candidate;
  const std::string* reference = nullptr;  ///< null when there is none
};

/// A reward model R(x, y) with values in [0, 1] (section 3 of the paper; appendix A.4 on the kinds of rewards).
class Reward {
 public:
  virtual ~Reward() = default;
  virtual std::string name() const = 0;
  virtual bool needs_reference() const = 0;
  /// What its values depend on, for lineages: the name, and more where that does not say it.
  virtual nlohmann::json identity() const { return name(); }
  /// Ways to spoil translations (perturbation.hpp) that it was trained to notice; nothing where it was not trained.
  virtual std::optional<std::vector<std::string>> trained_to_notice() const { return std::nullopt; }
  /// One value a text, in order, each independent of the others (but for rounding). Throws Error when a reference is
  /// needed and missing.
  virtual std::vector<float> score(Span<const ScoredText> batch) const = 0;
};

/// One of built_in_rewards; null when it is none.
std::unique_ptr<Reward> make_built_in_reward(const std::string& name);

/// That of an experiment: a program, a combination, one that is built in, or one that the run has learned, which then
/// computes on `device`. `name`, unless empty: this one instead. Throws UsageError listing what there is.
std::unique_ptr<Reward> make_reward(const RewardOptions& options, const RunDirectory& run, torch::Device device,
                                    const std::string& name = {});

/// With reward.watch, which there is, in the place of the reward.
RewardOptions watched(RewardOptions options);

}  // namespace rest
