#include "rest/grow/generator.hpp"

#include <gtest/gtest.h>

#include <map>

#include "model/products/packed_matrix.hpp"
#include "random_model.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

using grow_test::random_model;
using grow_test::small_config;
using grow_test::Sources;
using grow_test::teacher_forced;
using Candidates = std::vector<std::vector<Candidate>>;

GenerateOptions options_for(std::int64_t samples) {
  GenerateOptions options;
  options.samples = samples;
  options.max_length = 12;
  options.seed = 3;
  options.step = 1;
  return options;
}

void expect_equal(const Candidates& a, const Candidates& b, double tolerance) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t s = 0; s < a.size(); ++s) {
    ASSERT_EQ(a[s].size(), b[s].size()) << "source " << s;
    for (std::size_t i = 0; i < a[s].size(); ++i) {
      ASSERT_EQ(a[s][i].tokens, b[s][i].tokens) << "source " << s << ", candidate " << i;
      EXPECT_EQ(a[s][i].count, b[s][i].count);
      EXPECT_EQ(a[s][i].finished, b[s][i].finished);
      EXPECT_EQ(a[s][i].original, b[s][i].original);
      EXPECT_NEAR(a[s][i].log_prob, b[s][i].log_prob, tolerance);
      EXPECT_NEAR(a[s][i].sampling_log_prob, b[s][i].sampling_log_prob, tolerance);
    }
  }
}

/// Of a target with the end piece behind it, by the training path.
double forced_log_prob(const Transformer& model, Span<const Token> source, const std::vector<Token>& target) {
  const auto log_probs = teacher_forced(model, source, target);
  double sum = log_probs[-1][3].item<double>();
  for (std::size_t i = 0; i < target.size(); ++i)
    sum += log_probs[static_cast<std::int64_t>(i)][target[i]].item<double>();
  return sum;
}

std::uint64_t samples_of(const std::vector<Candidate>& candidates) {
  std::uint64_t samples = 0;
  for (const auto& candidate : candidates) samples += candidate.original ? 0 : candidate.count;
  return samples;
}

TEST(generator, prefix_sharing_gives_exactly_the_samples_of_naive_sampling_in_float64) {
  const Sources sources(21);
  for (const NormOrder norm : {NormOrder::pre, NormOrder::post}) {
    const auto model = random_model(small_config(norm), torch::kFloat64);
    GenerateOptions options = options_for(50);
    GenerateCounts shared_counts, naive_counts;
    const auto shared = generate(model, sources.all(), options, [&](const GenerateCounts& c) { shared_counts = c; });
    options.sharing = GenerateOptions::Sharing::none;
    const auto naive = generate(model, sources.all(), options, [&](const GenerateCounts& c) { naive_counts = c; });
    expect_equal(shared, naive, 1e-10);
    for (const auto& candidates : shared) EXPECT_EQ(samples_of(candidates), 50u);
    EXPECT_EQ(shared_counts.candidate_tokens, naive_counts.candidate_tokens);
    EXPECT_EQ(shared_counts.sources, 21u);
    EXPECT_GE(naive_counts.computed_tokens, naive_counts.candidate_tokens);
    EXPECT_LT(10 * shared_counts.computed_tokens, 9 * naive_counts.computed_tokens) << "little was shared";
  }
}

TEST(generator, prefix_sharing_differs_from_naive_sampling_only_near_boundaries_in_float32) {
  const Sources sources(20);
  const auto model = random_model(small_config(), torch::kFloat32);
  GenerateOptions options = options_for(100);
  const auto shared = generate(model, sources.all(), options);
  options.sharing = GenerateOptions::Sharing::none;
  const auto naive = generate(model, sources.all(), options);
  std::int64_t different = 0;
  for (std::size_t s = 0; s < shared.size(); ++s) {
    std::map<std::vector<Token>, std::int64_t> counts;
    for (const auto& candidate : shared[s]) counts[candidate.tokens] += candidate.count;
    for (const auto& candidate : naive[s]) counts[candidate.tokens] -= candidate.count;
    for (const auto& [tokens, count] : counts) different += std::max<std::int64_t>(count, 0);
  }
  EXPECT_LE(different, 4) << "of 2000 samples";
}

TEST(generator, log_probs_are_those_of_the_training_path) {
  const Sources sources(7);
  for (const NormOrder norm : {NormOrder::pre, NormOrder::post}) {
    const auto model = random_model(small_config(norm), torch::kFloat64);
    GenerateOptions options = options_for(20);
    options.sampling.temperature = 0.8;
    const auto all = sources.all();
    const auto result = generate(model, all, options);
    for (std::size_t s = 0; s < all.size(); ++s) {
      EXPECT_TRUE(result[s].back().original);
      for (const auto& candidate : result[s]) {
        std::vector<Token> pieces = candidate.tokens;
        const auto at_1 = teacher_forced(model, all[s].tokens, candidate.tokens);
        const auto at_t = torch::log_softmax(at_1 / options.sampling.temperature, -1);
        if (candidate.finished) pieces.push_back(3);
        double log_prob = 0.0, sampling_log_prob = 0.0;
        for (std::size_t i = 0; i < pieces.size(); ++i) {
          log_prob += at_1[static_cast<std::int64_t>(i)][pieces[i]].item<double>();
          sampling_log_prob += at_t[static_cast<std::int64_t>(i)][pieces[i]].item<double>();
        }
        EXPECT_NEAR(candidate.log_prob, log_prob, 1e-9);
        EXPECT_NEAR(candidate.sampling_log_prob, sampling_log_prob, 1e-9);
      }
    }
  }
}

TEST(generator, greedy_is_the_argmax_loop) {
  const Sources sources(9);
  const auto model = random_model(small_config(), torch::kFloat64);
  GenerateOptions options = options_for(5);
  options.sampling.temperature = 0.0;
  const auto all = sources.all(false);
  const auto result = generate(model, all, options);
  for (std::size_t s = 0; s < all.size(); ++s) {
    std::vector<Token> expected;
    bool finished = false;
    while (!finished && expected.size() <= 12) {
      const auto next = teacher_forced(model, all[s].tokens, expected)[-1].argmax().item<std::int64_t>();
      finished = next == 3;
      if (!finished) expected.push_back(static_cast<Token>(next));
    }
    if (!finished) expected.pop_back();
    ASSERT_EQ(result[s].size(), 1u);
    EXPECT_EQ(result[s][0].tokens, expected);
    EXPECT_EQ(result[s][0].finished, finished);
    EXPECT_EQ(result[s][0].count, 1u);
    EXPECT_EQ(result[s][0].sampling_log_prob, 0.0);
  }
}

TEST(generator, samples_are_cut_at_the_maximum_length_and_originals_are_not) {
  Sources sources(4);
  sources.target(2) = {4, 5, 6, 7, 8, 9, 10};
  const auto model = random_model(small_config(), torch::kFloat64);
  GenerateOptions options = options_for(200);
  options.max_length = 3;
  const auto result = generate(model, sources.all(), options);
  std::size_t cut = 0, full_and_finished = 0;
  for (std::size_t s = 0; s < result.size(); ++s) {
    EXPECT_EQ(samples_of(result[s]), 200u);
    for (const auto& candidate : result[s]) {
      if (candidate.original) {
        EXPECT_EQ(candidate.tokens, sources.target(s));
        EXPECT_TRUE(candidate.finished);
        EXPECT_EQ(candidate.count, 1u);
        continue;
      }
      EXPECT_LE(candidate.tokens.size(), 3u);
      if (!candidate.finished) {
        EXPECT_EQ(candidate.tokens.size(), 3u);
      }
      cut += candidate.finished ? 0 : 1;
      full_and_finished += candidate.finished && candidate.tokens.size() == 3 ? 1 : 0;
    }
  }
  EXPECT_GT(cut, 0u);
  EXPECT_GT(full_and_finished, 0u) << "the end piece does not count";
}

/// The path of GPUs, on the CPU: the same samples with the same probabilities.
TEST(generator, attention_by_operators_gives_the_same_candidates) {
  const Sources sources(21);
  for (const NormOrder norm : {NormOrder::pre, NormOrder::post}) {
    for (const auto type : {torch::kFloat64, torch::kFloat32}) {
      const auto model = random_model(small_config(norm), type);
      GenerateOptions options = options_for(20);
      options.max_rows = 64;  // sources of several groups are decoded together
      options.seed = 4;       // none of its uniforms is next to a boundary, where float32 may decide either way
      const auto natively = generate(model, sources.all(), options);
      options.kernels = Kernels::operators;
      expect_equal(generate(model, sources.all(), options), natively, type == torch::kFloat64 ? 1e-10 : 1e-4);
    }
  }
}

TEST(generator, few_rows_give_the_same_samples_in_several_passes) {
  const Sources sources(6);
  const auto model = random_model(small_config(), torch::kFloat64);
  GenerateOptions options = options_for(50);
  const auto expected = generate(model, sources.all(), options);
  for (const std::int64_t rows : {1, 7, 51, 120}) {
    options.max_rows = rows;
    expect_equal(generate(model, sources.all(), options), expected, 1e-10);
  }
}

TEST(generator, samples_do_not_depend_on_the_other_sources_of_a_call) {
  const Sources sources(20);
  const auto model = random_model(small_config(), torch::kFloat64);
  const GenerateOptions options = options_for(20);
  const auto all = sources.all();
  const auto together = generate(model, all, options);
  for (const std::size_t s : {0u, 3u, 19u}) {
    expect_equal(generate(model, {all[s]}, options), {together[s]}, 1e-10);
  }
}

TEST(generator, draws_depend_on_seed_step_and_source) {
  const Sources sources(1);
  const auto model = random_model(small_config(), torch::kFloat64);
  const auto tokens_with = [&](std::uint64_t seed, std::uint64_t step, std::uint64_t id) {
    GenerateOptions options = options_for(8);
    options.seed = seed, options.step = step;
    auto all = sources.all(false);
    all[0].id = id;
    std::vector<std::vector<Token>> tokens;
    const auto result = generate(model, all, options);
    for (const auto& candidate : result[0]) tokens.push_back(candidate.tokens);
    return tokens;
  };
  const auto first = tokens_with(1, 1, 0);
  EXPECT_EQ(tokens_with(1, 1, 0), first);
  EXPECT_NE(tokens_with(2, 1, 0), first);
  EXPECT_NE(tokens_with(1, 2, 0), first);
  EXPECT_NE(tokens_with(1, 1, std::uint64_t{1} << 32), first);
}

TEST(generator, an_original_equal_to_samples_is_a_candidate_of_its_own) {
  Sources sources(3);
  const auto model = random_model(small_config(), torch::kFloat64);
  const GenerateOptions options = options_for(30);
  const auto first = generate(model, sources.all(), options);
  const auto& likely = *std::find_if(first[1].begin(), first[1].end(), [](const Candidate& c) { return c.finished; });
  sources.target(1) = likely.tokens;
  const auto second = generate(model, sources.all(), options)[1];
  EXPECT_EQ(second.size(), first[1].size());
  EXPECT_EQ(samples_of(second), 30u);
  EXPECT_TRUE(second.back().original);
  EXPECT_EQ(second.back().tokens, likely.tokens);
  EXPECT_NEAR(second.back().log_prob, likely.log_prob, 1e-12);
}

TEST(generator, a_bfloat16_model_samples_with_log_probs_near_the_float64_ones) {
  const Sources sources(5);
  const auto exact = random_model(small_config(), torch::kFloat64);
  const auto model = random_model(small_config(), torch::kBFloat16);
  const auto all = sources.all();
  const auto result = generate(model, all, options_for(10));
  for (std::size_t s = 0; s < all.size(); ++s) {
    EXPECT_EQ(samples_of(result[s]), 10u);
    const auto& original = result[s].back();
    EXPECT_NEAR(original.log_prob, forced_log_prob(exact, all[s].tokens, original.tokens),
                0.15 * static_cast<double>(original.tokens.size() + 1));
  }
}

TEST(generator, int8_gives_the_same_samples_with_and_without_sharing_near_the_float64_ones) {
  if (!multiplies_int8()) GTEST_SKIP() << "this processor does not multiply int8";
  const Sources sources(9);
  const Policy policy = grow_test::random_policy(small_config());
  const SamplingModel model(policy, "int8");
  const auto exact = policy.model("float64");
  const auto all = sources.all();
  GenerateOptions options = options_for(40);
  const auto shared = generate(model, all, options);
  options.sharing = GenerateOptions::Sharing::none;
  // Products of int8 are exact, and each row has its own scale: nothing depends on what else is decoded.
  expect_equal(shared, generate(model, all, options), 1e-9);
  for (std::size_t s = 0; s < all.size(); ++s) {
    const auto& original = shared[s].back();
    EXPECT_NEAR(original.log_prob, forced_log_prob(exact, all[s].tokens, original.tokens),
                0.15 * static_cast<double>(original.tokens.size() + 1));
  }
}

TEST(generator, int8_with_cuts_gives_the_same_samples_with_and_without_sharing) {
  if (!multiplies_int8()) GTEST_SKIP() << "this processor does not multiply int8";
  const Sources sources(9);
  const SamplingModel model(grow_test::random_policy(small_config()), "int8");
  for (const SamplingOptions& sampling :
       {SamplingOptions{0.8, 5, 1.0, 0.0}, {0.8, 0, 0.8, 0.0}, {0.8, 0, 1.0, 0.03}, {0.8, 12, 0.9, 0.02}}) {
    GenerateOptions options = options_for(40);
    options.sampling = sampling;
    const auto shared = generate(model, sources.all(false), options);
    options.sharing = GenerateOptions::Sharing::none;
    expect_equal(shared, generate(model, sources.all(false), options), 1e-9);
  }
}

TEST(generator, an_unknown_precision_is_an_error) {
  EXPECT_THROW(SamplingModel(grow_test::random_policy(small_config()), "int4"), UsageError);
}

TEST(generator, no_sources_and_no_samples_are_answered) {
  const auto model = random_model(small_config(), torch::kFloat64);
  EXPECT_TRUE(generate(model, {}, options_for(5)).empty());
  const Sources sources(2);
  const auto scored = generate(model, sources.all(), options_for(0));
  ASSERT_EQ(scored[0].size(), 1u);
  EXPECT_TRUE(scored[0][0].original);
  EXPECT_TRUE(generate(model, sources.all(false), options_for(0))[1].empty());
}

TEST(generator, a_piece_outside_the_vocabulary_is_an_error_naming_it) {
  const auto model = random_model(small_config(), torch::kFloat64);
  const std::vector<Token> tokens{5, 37};
  const std::vector<GenerateSource> sources{{tokens, 12}};
  try {
    generate(model, sources, options_for(2));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("source 12 holds piece 37"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace rest
