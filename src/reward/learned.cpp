#include "rest/reward/learned.hpp"

#include <cmath>

#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"
#include "rest/model/policy.hpp"
#include "rest/reward/quality.hpp"
#include "rest/reward/rated_dataset.hpp"

namespace rest {
namespace {

constexpr const char* maker = "rest_reward train";

nlohmann::json description_in(const LearnedRewardFiles& files) {
  verify_committed(files.description(), maker);
  return read_json(files.description());
}

std::vector<Transformer> members_in(const LearnedRewardFiles& files, std::int64_t count, const LearnedRewardUse& use) {
  const std::string tokenizer = verify_committed(files.tokenizer(), maker).sha256;
  std::vector<Transformer> members;
  for (std::int64_t m = 0; m < count; ++m) {
    const Policy member = load_policy(files.member(m));
    require_tokenizer(member, tokenizer, files.tokenizer().string());
    members.push_back(member.to(use.device).model(use.precision));
  }
  return members;
}

}  // namespace

double Opinion::probability(double spread_penalty) const {
  return 1.0 / (1.0 + std::exp(spread_penalty * spread - mean));
}

nlohmann::json digests_in(const LearnedRewardFiles& files, std::int64_t members) {
  nlohmann::json digests = nlohmann::json::array();
  const auto add = [&](const std::filesystem::path& file) {
    const auto record = find_committed(file);
    digests.push_back(record ? record->sha256 : "");
  };
  add(files.tokenizer());
  for (std::int64_t m = 0; m < members; ++m) add(files.member(m) / "model.safetensors");
  return digests;
}

std::vector<Opinion> opinions_of(const std::vector<std::vector<double>>& predictions) {
  const auto members = static_cast<double>(predictions.size());
  std::vector<Opinion> opinions(predictions.front().size());
  for (std::size_t i = 0; i < opinions.size(); ++i) {
    double sum = 0.0, squares = 0.0;
    for (const auto& member : predictions) sum += member[i];
    const double mean = sum / members;
    for (const auto& member : predictions) squares += (member[i] - mean) * (member[i] - mean);
    opinions[i] = {mean, members > 1.0 ? std::sqrt(squares / (members - 1.0)) : 0.0};
  }
  return opinions;
}

LearnedReward::LearnedReward(const std::filesystem::path& directory, std::string name, const LearnedRewardUse& use)
    : LearnedReward({directory}, std::move(name), use, description_in({directory})) {}

LearnedReward::LearnedReward(const LearnedRewardFiles& files, std::string name, const LearnedRewardUse& use,
                             const nlohmann::json& description)
    : name_(std::move(name)),
      digest_(find_committed(files.description()).value().sha256),
      use_(use),
      tokenizer_(files.tokenizer()),
      calibration_(Calibration::from_json(description.at("calibration"))) {
  if (description.at("digests") != digests_in(files, description.at("members"))) {
    throw Error(files.description().string() + " was made of other members or another tokenizer than lie beside it", "",
                "run rest_reward train again, or copy the whole folder");
  }
  members_ = members_in(files, description.at("members"), use_);
  trained_on_ = description.at("augment").get<std::vector<std::string>>();
  if (use_.spread_penalty > 0.0 && members_.size() == 1) {
    throw UsageError("reward.spread_penalty is given, and the reward " + name_ + " has one member", "",
                     "train several by reward_model.members");
  }
}

nlohmann::json LearnedReward::identity() const {
  nlohmann::json identity = {{"name", name_}, {"learned", digest_}};
  if (use_.spread_penalty > 0.0) identity["spread_penalty"] = use_.spread_penalty;
  if (use_.precision != "float32") identity["precision"] = use_.precision;
  return identity;
}

std::vector<float> LearnedReward::score(Span<const ScoredText> texts) const {
  RatedDataset dataset(tokenizer_);
  for (const ScoredText& text : texts) dataset.add(text.source, text.candidate, 0.0);
  std::vector<std::vector<double>> predictions;
  for (const Transformer& member : members_) predictions.push_back(predict_quality(member, dataset));
  std::vector<float> rewards;
  for (const Opinion& opinion : opinions_of(predictions)) {
    rewards.push_back(static_cast<float>(calibration_(opinion.probability(use_.spread_penalty))));
  }
  return rewards;
}

}  // namespace rest
