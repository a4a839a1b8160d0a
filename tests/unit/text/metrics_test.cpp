#include "rest/text/metrics.hpp"

#include <gtest/gtest.h>

namespace rest {
namespace {

using Words = std::vector<std::string>;

TEST(Tokenize13a, SplitsPunctuationButNotInsideNumbers) {
  EXPECT_EQ(tokenize_13a("It costs $1,000.50, really."), (Words{"It", "costs", "$", "1,000.50", ",", "really", "."}));
}

TEST(Tokenize13a, UnescapesEntitiesAndJoinsHyphenatedLines) {
  EXPECT_EQ(tokenize_13a("a &lt; b &amp; c\nd-\ne "), (Words{"a", "<", "b", "&", "c", "de"}));
}

TEST(Bleu, IsFullForEqualTextsAndZeroWithoutMatches) {
  EXPECT_NEAR(sentence_bleu("ein Hund läuft .", "ein Hund läuft ."), 100.0, 1e-9);
  EXPECT_EQ(sentence_bleu("x y z", "ein Hund läuft ."), 0.0);
  EXPECT_EQ(sentence_bleu("", "ein Hund"), 0.0);
  EXPECT_EQ(sentence_bleu("ein Hund", ""), 0.0);
}

TEST(Bleu, ClipsRepeatedWordsAtTheReferenceCount) {
  const BleuStatistics statistics = bleu_statistics("the the the", "the cat the dog");
  EXPECT_EQ(statistics.correct[0], 2);
  EXPECT_EQ(statistics.total[0], 3);
  EXPECT_EQ(statistics.correct[1], 0);
  EXPECT_EQ(statistics.total[1], 2);
  EXPECT_EQ(statistics.total[3], 0);
}

TEST(Bleu, CorpusScoreIsZeroWithoutFourGramsButSentenceScoreIsNot) {
  EXPECT_EQ(corpus_bleu(bleu_statistics("a b c", "a b c")), 0.0);
  EXPECT_NEAR(sentence_bleu("a b c", "a b c"), 100.0, 1e-9);
}

TEST(Chrf, IgnoresWhiteSpaceAndIsFullForEqualTexts) {
  EXPECT_NEAR(sentence_chrf("ein Hund", "einHund"), 100.0, 1e-9);
  EXPECT_EQ(sentence_chrf("", "x"), 0.0);
  EXPECT_EQ(sentence_chrf("x", ""), 0.0);
}

TEST(Chrf, CountsCharactersNotBytes) {
  const ChrfStatistics statistics = chrf_statistics("üü", "ü日");
  EXPECT_EQ(statistics.candidate[0], 2);
  EXPECT_EQ(statistics.match[0], 1);
  EXPECT_EQ(statistics.reference[1], 1);
  EXPECT_EQ(statistics.match[1], 0);
}

}  // namespace
}  // namespace rest
