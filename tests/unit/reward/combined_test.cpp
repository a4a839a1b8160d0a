#include "rest/reward/combined.hpp"

#include <gtest/gtest.h>

namespace rest {
namespace {

/// Says the same of every text.
class Constant : public Reward {
 public:
  Constant(float value, bool needs_reference) : value_(value), needs_reference_(needs_reference) {}
  std::string name() const override { return "constant"; }
  bool needs_reference() const override { return needs_reference_; }
  std::vector<float> score(Span<const ScoredText> texts) const override {
    return std::vector<float>(texts.size(), value_);
  }

 private:
  float value_;
  bool needs_reference_;
};

CombinedReward combined(CombinedReward::Rule rule, std::vector<double> weights, bool needs_reference = false) {
  std::vector<std::unique_ptr<Reward>> parts;
  parts.push_back(std::make_unique<Constant>(0.2f, false));
  parts.push_back(std::make_unique<Constant>(0.8f, needs_reference));
  return {"both", std::move(parts), rule, std::move(weights)};
}

TEST(CombinedRewardTest, IsTheMeanOrTheLeast) {
  using Rule = CombinedReward::Rule;
  const std::string source = "a", candidate = "b";
  const std::vector<ScoredText> texts{{source, candidate}, {source, source}};
  const auto value = [&](const CombinedReward& reward) {
    const std::vector<float> values = reward.score(texts);
    EXPECT_EQ(values.size(), 2u);
    return values[1];
  };
  EXPECT_FLOAT_EQ(value(combined(Rule::mean, {})), 0.5f);
  EXPECT_FLOAT_EQ(value(combined(Rule::mean, {3.0, 1.0})), 0.35f);
  EXPECT_FLOAT_EQ(value(combined(Rule::least, {})), 0.2f);
}

TEST(CombinedRewardTest, KnowsWhatItIsMadeOf) {
  using Rule = CombinedReward::Rule;
  EXPECT_FALSE(combined(Rule::mean, {}).needs_reference());
  EXPECT_TRUE(combined(Rule::mean, {}, true).needs_reference());
  EXPECT_NE(combined(Rule::mean, {}).identity(), combined(Rule::least, {}).identity());
  EXPECT_NE(combined(Rule::mean, {}).identity(), combined(Rule::mean, {1.0, 2.0}).identity());
  EXPECT_EQ(combined(Rule::mean, {}).identity(), combined(Rule::mean, {2.0, 2.0}).identity());
  EXPECT_FALSE(combined(Rule::mean, {}).trained_to_notice());
}

}  // namespace
}  // namespace rest
