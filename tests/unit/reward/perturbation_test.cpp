#include "rest/reward/perturbation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <sstream>

namespace rest {
namespace {

const std::vector<GoodTranslation> good = {
    {"on 12 March the old dog slept by the door", "am 12. März schlief der alte Hund an der Tür"},
    {"the cat is here", "die Katze ist hier"},
    {"he laughs", "er lacht"},
    {"he laughs", "da lacht er"},
    {"一只狗在门边睡觉", "狗睡了"},
};

std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

std::string spoil(Perturbation kind, std::size_t at, std::uint64_t seed = 1) {
  return perturbed(kind, good, at, seed).value();
}

TEST(PerturbationTest, AreWhatTheirNamesSay) {
  EXPECT_EQ(spoil(Perturbation::repeat, 1), "die Katze ist hier die Katze ist hier");
  EXPECT_EQ(spoil(Perturbation::truncate, 0), "am 12. März schlief der alte Hund");
  EXPECT_EQ(spoil(Perturbation::copy_source, 1), "the cat is here");
  EXPECT_EQ(spoil(Perturbation::half_source, 1), "die Katze is here");
  EXPECT_EQ(spoil(Perturbation::empty, 1), "");
  EXPECT_EQ(words(spoil(Perturbation::drop_words, 0)).size(), 8u);
  EXPECT_EQ(words(spoil(Perturbation::drop_words, 1)).size(), 3u);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto shuffled = words(perturbed(Perturbation::shuffle_words, good, 0, seed).value_or(good[0].text));
    const auto plain = words(good[0].text);
    EXPECT_TRUE(std::is_permutation(shuffled.begin(), shuffled.end(), plain.begin(), plain.end()));
    const std::size_t more = words(spoil(Perturbation::repeat_phrase, 0, seed)).size() - plain.size();
    EXPECT_TRUE(more == 2 || more == 4 || more == 6) << more;
    const std::string number = spoil(Perturbation::numbers, 0, seed);
    EXPECT_EQ(number.size(), good[0].text.size());
    EXPECT_NE(number[3], '1');
    EXPECT_NE(number[4], '2');
    EXPECT_EQ(number.substr(5), good[0].text.substr(5));
    const std::string wrong = spoil(Perturbation::wrong_source, 2, seed);
    EXPECT_TRUE(wrong == good[0].text || wrong == good[1].text || wrong == good[4].text) << "of the same source";
  }
}

TEST(PerturbationTest, TextsOfFewWordsAreCutInCharacters) {
  EXPECT_EQ(spoil(Perturbation::truncate, 4), "狗睡");
  EXPECT_EQ(spoil(Perturbation::repeat, 4), "狗睡了狗睡了");
  EXPECT_EQ(spoil(Perturbation::half_source, 4), "狗 门边睡觉");
}

TEST(PerturbationTest, AreTheSameAgainAndNeverNothing) {
  for (const Perturbation kind : all_perturbations()) {
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (std::uint64_t seed = 0; seed < 10; ++seed) {
        const auto text = perturbed(kind, good, at, seed);
        EXPECT_EQ(text, perturbed(kind, good, at, seed));
        EXPECT_NE(text.value_or("something else"), good[at].text) << to_string(kind);
      }
    }
  }
  EXPECT_NE(spoil(Perturbation::shuffle_words, 0, 1), spoil(Perturbation::shuffle_words, 0, 2));
}

TEST(PerturbationTest, SomeDoNotApply) {
  EXPECT_FALSE(perturbed(Perturbation::numbers, good, 1, 1));
  const std::vector<GoodTranslation> alone = {{"a", "b"}};
  for (const Perturbation kind : {Perturbation::truncate, Perturbation::drop_words, Perturbation::shuffle_words,
                                  Perturbation::half_source, Perturbation::wrong_source}) {
    EXPECT_FALSE(perturbed(kind, alone, 0, 1)) << to_string(kind);
  }
}

}  // namespace
}  // namespace rest
