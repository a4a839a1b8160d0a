#include "rest/eval/reward_check.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "rest/core/error.hpp"
#include "rest/eval/reward_correlation.hpp"

namespace rest {
namespace {

/// A reward of the text alone.
class OfText : public Reward {
 public:
  explicit OfText(double (*value)(const std::string&)) : value_(value) {}
  std::string name() const override { return "of_text"; }
  bool needs_reference() const override { return false; }
  std::vector<float> score(Span<const ScoredText> batch) const override {
    std::vector<float> values;
    for (const ScoredText& text : batch) values.push_back(static_cast<float>(value_(text.candidate)));
    return values;
  }

 private:
  double (*value_)(const std::string&);
};

std::vector<GoodTranslation> translations() {
  std::vector<GoodTranslation> all;
  for (int i = 0; i < 40; ++i) {
    const std::string n = std::to_string(i);
    all.push_back({"source " + n + " a b c d e", "Text " + n + " A B C D E F"});
  }
  return all;
}

const PerturbationEffect& effect(const RewardCheck& check, Perturbation kind) {
  for (const PerturbationEffect& one : check.effects) {
    if (one.kind == kind) return one;
  }
  throw Error("missing");
}

TEST(RewardCheckTest, LexicalRewardNoticesEverything) {
  const auto good = translations();
  std::vector<std::string> references;
  for (const auto& pair : good) references.push_back(pair.text);
  const RewardCheck check = check_reward({}, *make_built_in_reward("chrf"), good, references, {}, 1);
  EXPECT_TRUE(check.failures.empty()) << to_text(check);
  EXPECT_EQ(check.good.value, 1.0);
  for (const PerturbationEffect& one : check.effects) {
    EXPECT_EQ(one.texts, one.kind == Perturbation::shuffle_words ? one.texts : 40) << to_string(one.kind);
    // A shuffle may move little; character n-grams of the same words may stay.
    EXPECT_GE(one.fell.value, 0.9) << to_string(one.kind);
    EXPECT_GT(one.fall.low, 0.0) << to_string(one.kind);
  }
}

TEST(RewardCheckTest, AFooledRewardFails) {
  const OfText longer([](const std::string& text) { return 1.0 - 1.0 / (1.0 + static_cast<double>(text.size())); });
  const RewardCheck check = check_reward({}, longer, translations(), {}, {}, 1);
  EXPECT_EQ(effect(check, Perturbation::repeat).rose.value, 1.0);
  EXPECT_EQ(effect(check, Perturbation::empty).fell.value, 1.0);
  EXPECT_EQ(effect(check, Perturbation::shuffle_words).fell.value, 0.0);
  EXPECT_EQ(effect(check, Perturbation::shuffle_words).rose.value, 0.0);
  const std::string text = to_text(check);
  EXPECT_NE(text.find("FAILED: repeat lowers the reward of 0.0 %"), std::string::npos) << text;
  EXPECT_NE(text.find("FAILED: saying a translation twice raises the reward of 100.0 %"), std::string::npos) << text;
  const auto json = to_json(check);
  EXPECT_EQ(json.at("perturbations").at("repeat").at("rose").at("value"), 1.0);
  EXPECT_FALSE(json.at("failures").empty());

  RewardCheckLimits none;
  none.least_fell = 0.0;
  none.most_repeats = 1.0;
  EXPECT_TRUE(check_reward({}, longer, translations(), {}, none, 1).failures.empty());
}

TEST(RewardCheckTest, RefusesNothingAndValuesThatAreNotNumbers) {
  const OfText broken([](const std::string&) { return std::nan(""); });
  EXPECT_THROW(check_reward({}, broken, translations(), {}, {}, 1), Error);
  EXPECT_THROW(check_reward({}, *make_built_in_reward("chrf"), translations(), {}, {}, 1), Error) << "no references";
  EXPECT_THROW(check_reward({}, broken, {}, {}, {}, 1), Error);
}

Ratings rated() {
  Ratings ratings;
  for (int source = 0; source < 30; ++source) {
    for (int k = 0; k < 4; ++k) {
      ratings.source.push_back("s" + std::to_string(source));
      ratings.translation.push_back(std::string(static_cast<std::size_t>(1 + k), 'x'));
      ratings.score.push_back(5.0 * k + source);
    }
  }
  return ratings;
}

TEST(RewardCorrelationTest, SourcesAreWhatIsResampled) {
  const Ratings ratings = rated();
  const OfText length([](const std::string& text) { return static_cast<double>(text.size()) / 10.0; });
  const auto rewards = rewards_of({}, length, ratings);
  ASSERT_EQ(rewards.size(), ratings.size());
  const RewardCorrelation all = correlate_reward(ratings, rewards, 0.0, 200, 1);
  EXPECT_EQ(all.translations, 120);
  EXPECT_EQ(all.sources, 30);
  EXPECT_EQ(all.pairs, 30 * 6);
  EXPECT_EQ(all.pairwise.value, 1.0);  // sources differ in score, which the reward does not see
  EXPECT_GT(all.pearson.value, 0.3);
  EXPECT_LT(all.pearson.value, 0.7);
  EXPECT_LT(all.pearson.low, all.pearson.value);
  EXPECT_GT(all.pearson.high, all.pearson.value);
  const RewardCorrelation far = correlate_reward(ratings, rewards, 10.0, 50, 1);
  EXPECT_EQ(far.pairs, 30 * 3);
  const RewardCorrelation none = correlate_reward(ratings, rewards, 100.0, 50, 1);
  EXPECT_EQ(none.pairs, 0);
  EXPECT_FALSE(to_json(none).contains("pairwise_accuracy"));
  EXPECT_NE(to_text(none).find("none: no two translations"), std::string::npos);
}

/// With three sources, many resamples hold one of them alone, in which the reward may be all the same.
TEST(RewardCorrelationTest, ResamplesThatTellNothingAreLeftOut) {
  Ratings ratings;
  ratings.source = {"a", "a", "b", "b", "c", "c"};
  ratings.translation = ratings.source;
  ratings.score = {1, 2, 3, 5, 4, 6};
  const std::vector<double> rewards{0.5, 0.5, 0.2, 0.9, 0.3, 0.7};
  const RewardCorrelation few = correlate_reward(ratings, rewards, 0.0, 500, 1);
  for (const Interval& figure : {few.pearson, few.spearman, few.kendall, few.pairwise}) {
    EXPECT_TRUE(std::isfinite(figure.low) && std::isfinite(figure.high));
    EXPECT_LE(figure.low, figure.value);
    EXPECT_GE(figure.high, figure.value);
  }
}

TEST(RewardCorrelationTest, RefusesWhatTellsNothing) {
  const Ratings ratings = rated();
  EXPECT_THROW(correlate_reward(ratings, std::vector<double>(ratings.size(), 0.5), 0.0, 10, 1), Error);
  EXPECT_THROW(rewards_of({}, *make_built_in_reward("chrf"), ratings), Error) << "no references";
}

}  // namespace
}  // namespace rest
