#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "rest/core/child_process.hpp"
#include "rest/core/error.hpp"
#include "rest/core/experiment.hpp"
#include "rest/reward/reward.hpp"

namespace rest {

/// Any program as a reward, one of it a rank (data/README.md, "Rewards by other programs"). It prints a line
/// {"needs_reference": BOOL} when it is ready, and then answers each line
/// {"batch": N, "texts": [{"source", "candidate"[, "reference"]}, ...]} by {"batch": N, "rewards": [NUMBER, ...]}, one
/// in [0, 1] for each text. One that ends or is silent for too long is started again, and asked again, up to twice.
class ProcessReward : public Reward {
 public:
  /// Starts it. Throws Error when it does not get ready.
  explicit ProcessReward(const RewardOptions& options);

  std::string name() const override { return options_.name; }
  bool needs_reference() const override { return needs_reference_; }
  nlohmann::json identity() const override;
  /// Throws Error naming the batch: another answer than is wanted, or none at the third try.
  std::vector<float> score(Span<const ScoredText> texts) const override;

 private:
  void get_ready() const;
  std::string line_of(Span<const ScoredText> batch) const;
  std::string answer_to(const std::string& line) const;
  std::vector<float> rewards_in(const std::string& answer, std::size_t texts) const;
  Error refused(const std::string& why) const;

  RewardOptions options_;
  mutable std::unique_ptr<ChildProcess> process_;
  mutable bool needs_reference_ = false;
  mutable std::int64_t batch_ = 0;  // the number of the one that is asked for
};

}  // namespace rest
