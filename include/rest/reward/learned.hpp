#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "rest/model/device.hpp"
#include "rest/model/transformer.hpp"
#include "rest/reward/calibration.hpp"
#include "rest/reward/reward.hpp"
#include "rest/text/tokenizer.hpp"

namespace rest {

/// Where rest_reward train puts a learned reward, and all that it needs to be used elsewhere:
///
///     reward.json   calibration, what it was trained on, how it did      tokenizer.model
///     member-0/ ... model.safetensors, config.json, metrics.jsonl, checkpoints/
struct LearnedRewardFiles {
  std::filesystem::path directory;

  std::filesystem::path description() const { return directory / "reward.json"; }
  std::filesystem::path tokenizer() const { return directory / "tokenizer.model"; }
  std::filesystem::path member(std::int64_t number) const { return directory / ("member-" + std::to_string(number)); }
};

/// Digests of the members' weights and of the tokenizer, as they lie there; empty where one is missing or unfinished.
nlohmann::json digests_in(const LearnedRewardFiles& files, std::int64_t members);

/// What the members of an ensemble say of a translation.
struct Opinion {
  double mean = 0.0, spread = 0.0;  ///< of log-odds that it is good; the standard deviation over members

  /// The probability, with so many spreads taken off.
  double probability(double spread_penalty = 0.0) const;
};

/// From the predictions of each member [members][translations].
std::vector<Opinion> opinions_of(const std::vector<std::vector<double>>& predictions);

/// How a learned reward is used.
struct LearnedRewardUse {
  double spread_penalty = 0.0;  ///< so many spreads are taken off the mean before calibration
  std::string precision = "float32";
  torch::Device device = torch::kCPU;
};

/// A reward that was trained on rated translations (appendix A.4), without a reference.
class LearnedReward : public Reward {
 public:
  /// Throws Error naming the file: not complete, damaged, not what its description was made of. UsageError for a
  /// penalty on the spread of one member.
  LearnedReward(const std::filesystem::path& directory, std::string name, const LearnedRewardUse& use);

  std::string name() const override { return name_; }
  bool needs_reference() const override { return false; }
  nlohmann::json identity() const override;
  std::optional<std::vector<std::string>> trained_to_notice() const override { return trained_on_; }
  std::vector<float> score(Span<const ScoredText> texts) const override;

 private:
  LearnedReward(const LearnedRewardFiles& files, std::string name, const LearnedRewardUse& use,
                const nlohmann::json& description);

  std::string name_, digest_;
  LearnedRewardUse use_;
  Tokenizer tokenizer_;
  std::vector<Transformer> members_;
  std::vector<std::string> trained_on_;
  Calibration calibration_;
};

}  // namespace rest
