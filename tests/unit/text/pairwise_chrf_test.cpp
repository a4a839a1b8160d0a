#include "rest/text/pairwise_chrf.hpp"

#include <gtest/gtest.h>

#include "rest/core/philox.hpp"
#include "rest/text/metrics.hpp"

namespace rest {
namespace {

/// Texts of few letters, so that n-grams repeat within a text and between texts; some empty, some shorter than an
/// order.
std::vector<std::string> random_texts(std::size_t count) {
  const std::vector<std::string> letters{"a", "b", "c", " ", "ß", "ж"};
  const Philox draw(Purpose::split, 5);
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < count; ++i) {
    texts.emplace_back();
    const auto length = static_cast<std::uint32_t>(draw.uniform(i) * 30.0);
    for (std::uint32_t j = 0; j < length; ++j) {
      texts.back() += letters[static_cast<std::size_t>(draw.uniform(i, j + 1) * static_cast<double>(letters.size()))];
    }
  }
  return texts;
}

TEST(pairwise_chrf, is_sentence_chrf_of_every_pair) {
  auto texts = random_texts(60);
  texts.push_back("");
  texts.push_back("a");
  texts.push_back("ab");
  texts.push_back(texts[3]);
  const PairwiseChrf pairwise(texts);
  ASSERT_EQ(pairwise.size(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::size_t j = 0; j < texts.size(); ++j) {
      EXPECT_EQ(pairwise(i, j), sentence_chrf(texts[i], texts[j])) << '"' << texts[i] << "\" \"" << texts[j] << '"';
    }
  }
}

TEST(pairwise_chrf, takes_no_text_at_all) { EXPECT_EQ(PairwiseChrf({}).size(), 0u); }

}  // namespace
}  // namespace rest
