#include "rest/grow/beam_search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "random_model.hpp"
#include "rest/core/error.hpp"
#include "rest/grow/decode.hpp"

namespace rest {
namespace {

using grow_test::random_model;
using grow_test::small_config;
using grow_test::Sources;
using grow_test::teacher_forced;

constexpr Token end_piece = 3;

BeamOptions beam_of(std::int64_t beam, double length_penalty = 1.0) {
  BeamOptions options;
  options.beam = beam;
  options.length_penalty = length_penalty;
  options.max_length = 12;
  return options;
}

/// Log-probability by the training path, end piece included when finished.
double forced_log_prob(const Transformer& model, Span<const Token> source, const Hypothesis& hypothesis) {
  const torch::Tensor log_probs = teacher_forced(model, source, hypothesis.tokens);
  double total = 0.0;
  for (std::size_t i = 0; i < hypothesis.tokens.size(); ++i) {
    total += log_probs[static_cast<std::int64_t>(i)][static_cast<std::int64_t>(hypothesis.tokens[i])].item<double>();
  }
  if (hypothesis.finished) total += log_probs[static_cast<std::int64_t>(hypothesis.tokens.size())][3].item<double>();
  return total;
}

/// Every sequence of at most `longest` pieces with its end, best score first.
std::vector<Hypothesis> all_sequences(const Transformer& model, Span<const Token> source, std::size_t longest,
                                      double length_penalty) {
  std::vector<std::vector<Token>> prefixes{{}};
  std::vector<Hypothesis> all;
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    const std::vector<Token> tokens = prefixes[i];
    Hypothesis hypothesis{tokens, 0.0, 0.0, true};
    hypothesis.log_prob = forced_log_prob(model, source, hypothesis);
    hypothesis.score = hypothesis.log_prob / std::pow(static_cast<double>(tokens.size() + 1), length_penalty);
    all.push_back(hypothesis);
    if (tokens.size() == longest) continue;
    for (Token token = 0; token < model.config().vocabulary_size; ++token) {
      if (token == end_piece) continue;
      prefixes.push_back(tokens);
      prefixes.back().push_back(token);
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.score > b.score; });
  return all;
}

TEST(beam_search, with_room_for_everything_is_exhaustive_search) {
  TransformerConfig config = small_config();
  config.vocabulary_size = 6;
  const auto model = random_model(config, torch::kFloat64);
  const Sources sources(4, 6);
  const auto all = sources.all(false);
  for (const double length_penalty : {0.0, 0.6, 1.0, 2.0}) {
    BeamOptions options = beam_of(750, length_penalty);  // 125 hypotheses of 3 pieces have 750 continuations
    options.max_length = 3;
    const auto found = beam_search(model, all, options);
    for (std::size_t s = 0; s < all.size(); ++s) {
      const auto expected = all_sequences(model, all[s].tokens, 3, length_penalty);
      ASSERT_EQ(found[s].size(), 1u + 5u + 25u + 125u) << "source " << s;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(found[s][i].tokens, expected[i].tokens) << "source " << s << ", place " << i;
        EXPECT_TRUE(found[s][i].finished);
        EXPECT_NEAR(found[s][i].log_prob, expected[i].log_prob, 1e-10);
        EXPECT_NEAR(found[s][i].score, expected[i].score, 1e-10);
      }
    }
  }
}

TEST(beam_search, of_one_hypothesis_is_greedy) {
  for (const auto type : {torch::kFloat64, torch::kFloat32}) {
    const auto model = random_model(small_config(), type);
    const Sources sources(25);
    GenerateOptions greedy;
    greedy.sampling.temperature = 0.0;
    for (const std::int64_t max_length : {3, 12}) {  // the former cuts some
      greedy.max_length = max_length;
      BeamOptions options = beam_of(1, 0.7);
      options.max_length = max_length;
      const auto expected = generate(model, sources.all(false), greedy);
      const auto found = beam_decode(model, options).run(sources.all(false), [] {});
      ASSERT_EQ(found.size(), expected.size());
      bool cut = false;
      for (std::size_t s = 0; s < found.size(); ++s) {
        EXPECT_EQ(found[s][0].tokens, expected[s][0].tokens) << "source " << s;
        EXPECT_EQ(found[s][0].finished, expected[s][0].finished) << "source " << s;
        EXPECT_NEAR(found[s][0].log_prob, expected[s][0].log_prob, type == torch::kFloat64 ? 1e-10 : 1e-4);
        cut = cut || !found[s][0].finished;
      }
      EXPECT_TRUE(cut || max_length > 3) << "no hypothesis was cut";
    }
  }
}

TEST(beam_search, says_the_log_probability_that_the_model_gives) {
  for (const NormOrder norm : {NormOrder::pre, NormOrder::post}) {
    const auto model = random_model(small_config(norm), torch::kFloat64);
    const Sources sources(12);
    const auto all = sources.all();  // the targets do not matter
    const BeamOptions options = beam_of(5, 0.8);
    const auto found = beam_search(model, all, options);
    for (std::size_t s = 0; s < all.size(); ++s) {
      ASSERT_GE(found[s].size(), 1u);
      ASSERT_LE(found[s].size(), 5u);
      for (std::size_t i = 0; i < found[s].size(); ++i) {
        const Hypothesis& hypothesis = found[s][i];
        EXPECT_NEAR(hypothesis.log_prob, forced_log_prob(model, all[s].tokens, hypothesis), 1e-9);
        const auto length = static_cast<double>(hypothesis.tokens.size() + (hypothesis.finished ? 1 : 0));
        EXPECT_NEAR(hypothesis.score, hypothesis.log_prob / std::pow(length, 0.8), 1e-12);
        for (std::size_t j = 0; j < i; ++j) EXPECT_NE(hypothesis.tokens, found[s][j].tokens);
        if (i > 0 && found[s][i - 1].finished == hypothesis.finished) {
          EXPECT_LE(hypothesis.score, found[s][i - 1].score);
        }
      }
    }
  }
}

TEST(beam_search, finds_the_same_by_operators) {
  const auto model = random_model(small_config(), torch::kFloat64);
  const Sources sources(15);
  BeamOptions options = beam_of(4);
  const auto natively = beam_search(model, sources.all(false), options);
  options.kernels = Kernels::operators;
  const auto by_operators = beam_search(model, sources.all(false), options);
  for (std::size_t s = 0; s < natively.size(); ++s) {
    ASSERT_EQ(by_operators[s].size(), natively[s].size());
    for (std::size_t i = 0; i < natively[s].size(); ++i) {
      EXPECT_EQ(by_operators[s][i].tokens, natively[s][i].tokens) << "source " << s << ", place " << i;
      EXPECT_NEAR(by_operators[s][i].log_prob, natively[s][i].log_prob, 1e-9);
    }
  }
}

TEST(beam_search, finds_what_greedy_misses) {
  const auto model = random_model(small_config(), torch::kFloat64);
  const Sources sources(25);
  const auto narrow = beam_search(model, sources.all(false), beam_of(1, 0.0));
  const auto wide = beam_search(model, sources.all(false), beam_of(8, 0.0));
  double better = 0.0, difference = 0.0;
  for (std::size_t s = 0; s < narrow.size(); ++s) {
    difference += wide[s][0].log_prob - narrow[s][0].log_prob;
    better += wide[s][0].log_prob > narrow[s][0].log_prob + 1e-9 ? 1.0 : 0.0;
  }
  EXPECT_GT(better, 0.0);
  EXPECT_GT(difference, 0.0);
}

TEST(beam_search, of_a_source_does_not_depend_on_its_company) {
  const auto model = random_model(small_config(), torch::kFloat64);
  const Sources sources(20);
  const auto all = sources.all(false);
  BeamOptions options = beam_of(4);
  const auto together = beam_search(model, all, options);
  for (const std::int64_t max_rows : {1, 9}) {
    options.max_rows = max_rows;
    const auto found = beam_search(model, all, options);
    for (std::size_t s = 0; s < all.size(); ++s) {
      ASSERT_EQ(found[s].size(), together[s].size());
      for (std::size_t i = 0; i < found[s].size(); ++i) EXPECT_EQ(found[s][i].tokens, together[s][i].tokens);
    }
  }
}

TEST(beam_search, takes_equal_ones_in_the_order_of_parents_and_pieces) {
  TransformerConfig config = small_config();
  config.vocabulary_size = 6;
  const Transformer indifferent(config, torch::zeros({make_layout(config).elements}, torch::kFloat64));
  BeamOptions options = beam_of(4, 0.0);
  options.max_length = 2;
  const auto found = beam_search(indifferent, Sources(1, 6).all(false), options);
  // Each step keeps the four lowest pieces of the first parent, and its end, the fourth of all continuations.
  ASSERT_EQ(found[0].size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(found[0][i].tokens, std::vector<Token>(i, 0));
    EXPECT_TRUE(found[0][i].finished);
    EXPECT_NEAR(found[0][i].score, -static_cast<double>(i + 1) * std::log(6.0), 1e-12);
  }
}

TEST(beam_search, refuses_what_cannot_be_meant) {
  const auto model = random_model(small_config(), torch::kFloat64);
  EXPECT_THROW(beam_search(model, Sources(1).all(), beam_of(0)), Error);
  const std::vector<Token> unknown{5, 99};
  EXPECT_THROW(beam_search(model, {{unknown, 1}}, beam_of(2)), Error);
  EXPECT_TRUE(beam_search(model, {}, beam_of(2)).empty());
}

}  // namespace
}  // namespace rest
