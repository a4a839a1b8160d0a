#include "rest/eval/mbr.hpp"

#include <gtest/gtest.h>

#include "rest/core/error.hpp"
#include "rest/core/philox.hpp"
#include "rest/text/metrics.hpp"

namespace rest {
namespace {

/// Every sample against every other sample, pair by pair.
MbrChoice naive(const std::vector<std::string>& texts, const std::vector<std::uint32_t>& counts) {
  std::vector<std::size_t> samples;
  for (std::size_t i = 0; i < texts.size(); ++i) samples.insert(samples.end(), counts[i], i);
  MbrChoice best{0, -1.0};
  for (std::size_t a = 0; a < samples.size(); ++a) {
    double sum = 0.0;
    for (std::size_t b = 0; b < samples.size(); ++b) {
      if (a != b) sum += sentence_chrf(texts[samples[a]], texts[samples[b]]);
    }
    const double expected = sum / static_cast<double>(samples.size() - 1);
    if (expected > best.expected_chrf + 1e-9) best = {samples[a], expected};
  }
  return best;
}

TEST(mbr, chooses_what_the_naive_sum_over_samples_chooses) {
  const std::vector<std::string> words{"the", "cat", "sat", "on", "a", "mat", "dogs", "run"};
  const Philox draw(Purpose::split, 3);
  for (std::uint32_t c = 0; c < 30; ++c) {
    std::vector<std::string> texts;
    std::vector<std::uint32_t> counts;
    for (std::uint32_t i = 0; i < 12; ++i) {
      texts.emplace_back();
      for (std::uint32_t j = 0; j < 1 + i % 5; ++j) {
        texts.back() += words[static_cast<std::size_t>(draw.uniform(c, i, j) * 8.0)] + " ";
      }
      counts.push_back(1 + static_cast<std::uint32_t>(draw.uniform(c, i, 99) * 4.0));
    }
    const MbrChoice ours = minimum_bayes_risk(texts, counts), theirs = naive(texts, counts);
    EXPECT_EQ(ours.index, theirs.index) << "case " << c;
    EXPECT_NEAR(ours.expected_chrf, theirs.expected_chrf, 1e-9);
  }
}

TEST(mbr, counts_decide) {
  const std::vector<std::string> texts{"one thing", "quite another", "quite another one"};
  EXPECT_EQ(minimum_bayes_risk(texts, {1, 1, 1}).index, 2u);
  EXPECT_EQ(minimum_bayes_risk(texts, {9, 1, 1}).index, 0u);
}

TEST(mbr, takes_the_first_of_equals_and_a_single_sample) {
  EXPECT_EQ(minimum_bayes_risk({"abc", "xyz"}, {1, 1}).index, 0u);
  const MbrChoice twice = minimum_bayes_risk({"abc"}, {2});
  EXPECT_EQ(twice.index, 0u);
  EXPECT_EQ(twice.expected_chrf, 100.0);
  EXPECT_EQ(minimum_bayes_risk({"abc"}, {1}).expected_chrf, 0.0);
  EXPECT_THROW(minimum_bayes_risk({}, {}), Error);
}

}  // namespace
}  // namespace rest
