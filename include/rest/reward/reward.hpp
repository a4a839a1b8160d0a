#pragma once

#include <memory>
#include <string>
#include <vector>

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
  /// One value a text, in order, each independent of the others. Throws Error when a reference is needed and missing.
  virtual std::vector<float> score(Span<const ScoredText> batch) const = 0;
};

/// The names make_reward knows.
std::vector<std::string> reward_names();

/// Throws UsageError listing the known names.
std::unique_ptr<Reward> make_reward(const std::string& name);

}  // namespace rest
