#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rest/core/experiment.hpp"
#include "rest/core/span.hpp"

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
  /// One value a text, in order, each independent of the others. Throws Error when a reference is needed and missing.
  virtual std::vector<float> score(Span<const ScoredText> batch) const = 0;
};

/// One that is built in. Throws UsageError listing them.
std::unique_ptr<Reward> make_reward(const std::string& name);

/// That of an experiment, a program where it names a command. `name`, unless empty: this one instead, which may also be
/// one that is built in.
std::unique_ptr<Reward> make_reward(const RewardOptions& options, const std::string& name = {});

/// Reward::identity() of the reward of an experiment.
nlohmann::json reward_identity(const RewardOptions& options);

}  // namespace rest
