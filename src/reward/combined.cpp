#include "rest/reward/combined.hpp"

#include <algorithm>
#include <numeric>

namespace rest {

CombinedReward::CombinedReward(std::string name, std::vector<std::unique_ptr<Reward>> parts, Rule rule,
                               std::vector<double> weights)
    : name_(std::move(name)), parts_(std::move(parts)), rule_(rule), weights_(std::move(weights)) {
  weights_.resize(parts_.size(), 1.0);
  const double total = std::accumulate(weights_.begin(), weights_.end(), 0.0);
  for (double& weight : weights_) weight /= total;
}

bool CombinedReward::needs_reference() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const auto& part) { return part->needs_reference(); });
}

nlohmann::json CombinedReward::identity() const {
  nlohmann::json parts = nlohmann::json::array();
  for (const auto& part : parts_) parts.push_back(part->identity());
  nlohmann::json identity = {{"name", name_}, {"combine", rule_ == Rule::mean ? "mean" : "min"}, {"of", parts}};
  if (rule_ == Rule::mean) identity["weights"] = weights_;
  return identity;
}

std::optional<std::vector<std::string>> CombinedReward::trained_to_notice() const {
  std::optional<std::vector<std::string>> all;
  for (const auto& part : parts_) {
    const auto own = part->trained_to_notice();
    if (!own) continue;
    if (!all) all.emplace();
    all->insert(all->end(), own->begin(), own->end());
  }
  return all;
}

std::vector<float> CombinedReward::score(Span<const ScoredText> texts) const {
  std::vector<double> combined(texts.size(), rule_ == Rule::mean ? 0.0 : 1.0);
  for (std::size_t p = 0; p < parts_.size(); ++p) {
    const std::vector<float> values = parts_[p]->score(texts);
    for (std::size_t i = 0; i < combined.size(); ++i) {
      const auto value = static_cast<double>(values.at(i));
      combined[i] = rule_ == Rule::mean ? combined[i] + weights_[p] * value : std::min(combined[i], value);
    }
  }
  std::vector<float> rewards;
  for (const double value : combined) rewards.push_back(static_cast<float>(std::clamp(value, 0.0, 1.0)));
  return rewards;
}

}  // namespace rest
