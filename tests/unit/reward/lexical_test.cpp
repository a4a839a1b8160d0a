#include "rest/reward/lexical.hpp"

#include <gtest/gtest.h>

#include "rest/core/error.hpp"
#include "rest/text/metrics.hpp"

namespace rest {
namespace {

const std::string source = "a dog runs", reference = "ein Hund läuft .", candidate = "ein Hund rennt .";

TEST(LexicalReward, IsTheSentenceScoreOverAHundred) {
  const std::vector<ScoredText> batch = {{source, candidate, &reference}, {source, reference, &reference}};
  const auto chrf = make_built_in_reward("chrf")->score(batch), bleu = make_built_in_reward("bleu")->score(batch);
  EXPECT_FLOAT_EQ(chrf.at(0), static_cast<float>(sentence_chrf(candidate, reference) / 100.0));
  EXPECT_FLOAT_EQ(bleu.at(0), static_cast<float>(sentence_bleu(candidate, reference) / 100.0));
  EXPECT_EQ(chrf.at(1), 1.0f);
  EXPECT_EQ(bleu.at(1), 1.0f);
  EXPECT_NE(chrf.at(0), bleu.at(0));
}

TEST(LexicalReward, StaysInTheUnitInterval) {
  const std::string empty, other = "zzz";
  const std::vector<ScoredText> batch = {
      {source, empty, &reference}, {source, other, &reference}, {source, candidate, &empty}};
  for (const std::string name : built_in_rewards) {
    for (const float reward : make_built_in_reward(name)->score(batch)) EXPECT_EQ(reward, 0.0f) << name;
  }
}

TEST(LexicalReward, RefusesTextsWithoutReference) {
  const std::vector<ScoredText> batch = {{source, candidate}};
  EXPECT_TRUE(make_built_in_reward("chrf")->needs_reference());
  EXPECT_THROW(make_built_in_reward("chrf")->score(batch), Error);
}

TEST(MakeReward, ListsTheKnownNames) {
  try {
    RewardOptions options;
    options.name = "meteor";
    make_reward(options, RunDirectory("nowhere"), torch::kCPU);
    FAIL() << "no error";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("built in are chrf, bleu; run nowhere has learned none"),
              std::string::npos);
  }
  EXPECT_EQ(make_built_in_reward("meteor"), nullptr);
  for (const std::string name : built_in_rewards) EXPECT_EQ(make_built_in_reward(name)->name(), name);
}

}  // namespace
}  // namespace rest
