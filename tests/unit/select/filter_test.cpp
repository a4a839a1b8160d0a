#include "rest/select/filter.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "rest/core/error.hpp"

namespace rest {
namespace {

using Flags = std::vector<std::uint8_t>;
constexpr std::uint8_t sample = 0, original = 1;

/// Candidates of a shard as columns that filters read.
struct Table {
  std::vector<std::uint32_t> candidates_per_source, count;
  std::vector<float> reward;
  std::vector<std::uint8_t> origin;

  void add_source() { candidates_per_source.push_back(0); }
  void add(float value, std::uint32_t times = 1, std::uint8_t from = sample) {
    if (candidates_per_source.empty()) add_source();
    ++candidates_per_source.back();
    reward.push_back(value);
    count.push_back(times);
    origin.push_back(from);
  }
  ScoredCandidates columns() const { return {candidates_per_source, reward, count, origin}; }
};

Table of_rewards(const std::vector<float>& rewards) {
  Table table;
  for (const float reward : rewards) table.add(reward);
  return table;
}

Flags keep(Filter& filter, const Table& table) {
  filter.look_first(1, [&](const Filter::Look& look) { look(table.columns(), 0); });
  return filter.keep(table.columns());
}

Flags keep(const std::string& name, double threshold, const Table& table) {
  return keep(*make_filter(name, threshold), table);
}

/// Many ties, copies, originals, candidates that take no part, sources without samples or without anything.
Table random_table(std::uint32_t seed) {
  std::mt19937 generator(seed);
  const auto draw = [&] { return static_cast<std::uint32_t>(generator()); };
  Table table;
  const auto grid = 1 + draw() % 12;  // few values: ties
  for (std::uint32_t source = 0; source < 8; ++source) {
    table.add_source();
    for (std::uint32_t i = 0, n = draw() % 7; i < n; ++i) {
      table.add(static_cast<float>(draw() % (grid + 1)) / static_cast<float>(grid), draw() % 5);
    }
    if (draw() % 2 == 0) table.add(draw() % 3 == 0 ? 1.0f : 0.5f, 1, original);
  }
  return table;
}

/// Rewards of the rows [begin, end) with every copy a value of its own, rising; one origin only unless `all`.
std::vector<float> expanded(const Table& table, std::size_t begin, std::size_t end, bool all) {
  std::vector<float> values;
  for (std::size_t row = begin; row < end; ++row) {
    if (all || table.origin[row] == sample) values.insert(values.end(), table.count[row], table.reward[row]);
  }
  std::sort(values.begin(), values.end());
  return values;
}

/// Whether more than a share of the values are at most this one.
bool above(const std::vector<float>& rising, double share, float value) {
  const auto at_most = std::upper_bound(rising.begin(), rising.end(), value) - rising.begin();
  return static_cast<double>(at_most) / static_cast<double>(rising.size()) > share;
}

/// What a filter has to keep, worked out on the expanded multiset.
Flags brute_force(const std::string& name, double threshold, const Table& table) {
  Flags kept(table.reward.size());
  const auto everything = expanded(table, 0, kept.size(), true);
  std::size_t begin = 0;
  for (const std::uint32_t rows : table.candidates_per_source) {
    const std::size_t end = begin + rows;
    const auto samples = expanded(table, begin, end, false);
    for (std::size_t row = begin; row < end; ++row) {
      const float reward = table.reward[row];
      bool keeps = false;
      if (name == "threshold") keeps = reward > static_cast<float>(threshold);
      if (name == "quantile") keeps = above(everything, threshold, reward);
      if (name == "percentile") keeps = samples.empty() || above(samples, threshold, reward);
      if (name == "interpolation") {
        double sum = 0.0;
        for (const float value : samples) sum += static_cast<double>(value);
        const double cut = samples.empty() ? 0.0
                                           : threshold * static_cast<double>(samples.back()) +
                                                 (1.0 - threshold) * sum / static_cast<double>(samples.size());
        keeps = samples.empty() || reward > static_cast<float>(cut);
      }
      if (name == "top_k") {
        const auto better = samples.end() - std::upper_bound(samples.begin(), samples.end(), reward);
        keeps = static_cast<double>(better) < threshold;
      }
      kept[row] = keeps && table.count[row] > 0;
    }
    begin = end;
  }
  return kept;
}

class EachFilter : public testing::TestWithParam<std::pair<const char*, std::vector<double>>> {};

TEST_P(EachFilter, keeps_what_the_expanded_multiset_says) {
  const auto& [name, values] = GetParam();
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    const Table table = random_table(seed);
    for (const double value : values) {
      EXPECT_EQ(keep(name, value, table), brute_force(name, value, table)) << name << ' ' << value << " seed " << seed;
    }
  }
}

TEST_P(EachFilter, keeps_a_part_of_what_the_value_before_kept) {
  const auto& [name, values] = GetParam();
  const Table table = random_table(7);
  Flags before(table.reward.size(), 1);
  for (const double value : values) {
    const Flags now = keep(name, value, table);
    for (std::size_t i = 0; i < now.size(); ++i) EXPECT_LE(now[i], before[i]) << name << ' ' << value;
    before = now;
  }
}

TEST_P(EachFilter, does_not_mind_the_order_of_rows) {
  const auto& [name, values] = GetParam();
  Table table, reversed;
  const Table drawn = random_table(11);
  for (std::size_t i = 0; i < drawn.reward.size(); ++i) {
    const std::size_t j = drawn.reward.size() - 1 - i;
    table.add(drawn.reward[i], drawn.count[i], drawn.origin[i]);
    reversed.add(drawn.reward[j], drawn.count[j], drawn.origin[j]);
  }
  for (const double value : values) {
    Flags kept = keep(name, value, reversed);
    std::reverse(kept.begin(), kept.end());
    EXPECT_EQ(keep(name, value, table), kept) << name << ' ' << value;
  }
}

TEST_P(EachFilter, bears_an_empty_shard_and_an_empty_source) {
  const auto& [name, values] = GetParam();
  Table table;
  EXPECT_EQ(keep(name, values[0], table), Flags{});
  table.add_source();
  EXPECT_EQ(keep(name, values[0], table), Flags{});
}

TEST_P(EachFilter, refuses_rewards_that_are_no_numbers_and_columns_of_other_lengths) {
  const auto& [name, values] = GetParam();
  Table table = of_rewards({0.5f, std::numeric_limits<float>::quiet_NaN()});
  EXPECT_THROW(keep(name, values[0], table), Error);
  table = of_rewards({0.5f, 0.6f});
  const auto filter = make_filter(name, values[0]);
  filter->look_first(1, [&](const Filter::Look& look) { look(table.columns(), 0); });
  table.reward.pop_back();
  EXPECT_THROW(filter->keep(table.columns()), Error);
}

INSTANTIATE_TEST_SUITE_P(Of, EachFilter,
                         testing::Values(std::pair{"threshold", std::vector{0.0, 0.25, 0.5, 0.75, 1.0}},
                                         std::pair{"percentile", std::vector{0.0, 0.07, 0.25, 0.5, 0.9, 0.99}},
                                         std::pair{"interpolation", std::vector{0.0, 0.25, 0.5, 0.9, 1.0}},
                                         std::pair{"quantile", std::vector{0.0, 0.07, 0.25, 0.5, 0.9, 0.99}},
                                         std::pair{"top_k", std::vector{1e6, 9.0, 4.0, 3.0, 2.0, 1.0}}),
                         [](const auto& test) { return std::string(test.param.first); });

TEST(ThresholdFilter, keeps_rewards_above_the_threshold_samples_and_originals_alike) {
  Table table = of_rewards({0.1f, 0.9f, 0.5f});
  table.add(0.2f, 1, original);
  EXPECT_EQ(keep("threshold", 0.4, table), (Flags{0, 1, 1, 0}));
}

TEST(ThresholdFilter, drops_a_reward_that_equals_the_threshold) {
  for (const double threshold : {0.0, 0.1, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0}) {
    EXPECT_EQ(keep("threshold", threshold, of_rewards({static_cast<float>(threshold)})), Flags{0}) << threshold;
  }
}

TEST(ThresholdFilter, below_zero_keeps_everything_that_takes_part) {
  Table table = of_rewards({0.0f, 1.0f});
  table.add(1.0f, 0);
  EXPECT_EQ(keep("threshold", -1.0, table), (Flags{1, 1, 0}));
  EXPECT_EQ(keep("threshold", 0.0, table), (Flags{0, 1, 0}));
}

TEST(PercentileFilter, keeps_what_more_than_a_share_p_does_not_exceed) {
  const Table table = of_rewards({0.1f, 0.2f, 0.3f, 0.4f});
  EXPECT_EQ(keep("percentile", 0.0, table), (Flags{1, 1, 1, 1}));
  EXPECT_EQ(keep("percentile", 0.24, table), (Flags{1, 1, 1, 1}));
  EXPECT_EQ(keep("percentile", 0.25, table), (Flags{0, 1, 1, 1}));
  EXPECT_EQ(keep("percentile", 0.5, table), (Flags{0, 0, 1, 1}));
  EXPECT_EQ(keep("percentile", 0.99, table), (Flags{0, 0, 0, 1}));
}

TEST(PercentileFilter, counts_copies_and_leaves_originals_out_of_the_percentile_only) {
  Table table;
  table.add(0.2f, 3);
  table.add(0.6f, 1);
  table.add(1.0f, 1, original);
  table.add(0.1f, 1, original);
  EXPECT_EQ(keep("percentile", 0.74, table), (Flags{1, 1, 1, 0}));
  EXPECT_EQ(keep("percentile", 0.75, table), (Flags{0, 1, 1, 0}));
}

TEST(SourceCutFilters, keep_all_of_a_source_without_samples) {
  for (const char* name : {"percentile", "interpolation"}) {
    Table table;
    table.add(0.0f, 1, original);
    table.add(0.5f, 0);
    table.add_source();
    table.add(0.3f);
    table.add(0.1f, 1, original);
    EXPECT_EQ(keep(name, 0.0, table), (Flags{1, 0, name == std::string("percentile"), 0})) << name;
  }
}

TEST(SourceCutFilters, of_equal_samples_keep_all_above_a_percentile_and_none_above_the_mean) {
  Table table;
  table.add(0.7f, 3);
  table.add(0.7f, 2);
  EXPECT_EQ(keep("percentile", 0.9, table), (Flags{1, 1}));
  EXPECT_EQ(keep("interpolation", 0.1, table), (Flags{0, 0}));
}

TEST(InterpolationFilter, cuts_between_mean_and_maximum_of_the_samples) {
  Table table;
  table.add(0.2f, 3);
  table.add(0.6f);
  table.add(1.0f);  // mean 0.44, maximum 1
  table.add(1.0f, 1, original);
  EXPECT_EQ(keep("interpolation", 0.0, table), (Flags{0, 1, 1, 1}));
  EXPECT_EQ(keep("interpolation", 0.5, table), (Flags{0, 0, 1, 1}));
  EXPECT_EQ(keep("interpolation", 1.0, table), (Flags{0, 0, 0, 0}));
}

TEST(QuantileFilter, is_of_all_shards_and_has_to_see_them_first) {
  const Table low = of_rewards({0.1f, 0.2f}), high = of_rewards({0.8f, 0.9f});
  QuantileFilter filter(0.5);
  EXPECT_THROW(filter.keep(low.columns()), Error);
  int shown = 0;
  filter.look_first(2, [&](const Filter::Look& look) {
    look(low.columns(), 0), ++shown;
    look(high.columns(), 1), ++shown;
  });
  EXPECT_EQ(shown, 4) << "twice over the shards";
  EXPECT_EQ(filter.global_cut(), 0.8f);
  EXPECT_EQ(filter.keep(low.columns()), (Flags{0, 0}));
  EXPECT_EQ(filter.keep(high.columns()), (Flags{1, 1}));
}

TEST(Filters, that_do_not_look_show_no_shard) {
  for (const auto& [name, value] :
       {std::pair{"threshold", 0.5}, {"percentile", 0.5}, {"interpolation", 0.5}, {"top_k", 2.0}}) {
    make_filter(name, value)->look_first(1, [](const Filter::Look&) { FAIL(); });
    EXPECT_EQ(make_filter(name, value)->global_cut(), std::nullopt);
  }
}

TEST(TopKFilter, keeps_ties_and_copies_together_and_originals_on_top) {
  Table table;
  table.add(0.9f);
  table.add(0.5f, 3);
  table.add(0.5f);
  table.add(0.4f);
  table.add(1.0f, 1, original);
  table.add(0.45f, 1, original);
  EXPECT_EQ(keep("top_k", 1, table), (Flags{1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(keep("top_k", 2, table), (Flags{1, 1, 1, 0, 1, 0}));
  EXPECT_EQ(keep("top_k", 5, table), (Flags{1, 1, 1, 0, 1, 0}));
  EXPECT_EQ(keep("top_k", 6, table), (Flags{1, 1, 1, 1, 1, 1}));
  table.add(0.1f, 1, original);
  EXPECT_EQ(keep("top_k", 6, table).back(), 0);
  EXPECT_EQ(keep("top_k", 7, table).back(), 1) << "there are no seven samples above it";
}

TEST(Filters, say_in_words_what_they_keep) {
  EXPECT_EQ(make_filter("threshold", -1.0)->words(), "all of D_g");
  EXPECT_EQ(make_filter("threshold", 0.95)->words(), "R > 0.95");
  EXPECT_EQ(make_filter("percentile", 0.07)->words(), "above percentile 7 a source");
  EXPECT_EQ(make_filter("interpolation", 0.9)->words(), "R > 0.9 max + 0.1 mean a source");
  EXPECT_EQ(make_filter("quantile", 0.99)->words(), "above quantile 0.99 of D_g");
  EXPECT_EQ(make_filter("top_k", 4.0)->words(), "top 4 a source");
  EXPECT_THROW(make_filter("best", 4.0), UsageError);
  EXPECT_THROW(make_filter("top_k", 0.5), UsageError);
}

TEST(ThresholdSchedule, skips_what_keeps_most_when_there_are_fewer_steps) {
  const std::vector<double> paper = {0.0, 0.7, 0.8, 0.9, 0.95, 0.99};
  EXPECT_EQ(threshold_schedule("threshold", paper, 6), paper);
  EXPECT_EQ(threshold_schedule("threshold", paper, 4), (std::vector<double>{0.8, 0.9, 0.95, 0.99}));
  EXPECT_EQ(threshold_schedule("top_k", {8, 4, 2}, 2), (std::vector<double>{4, 2}));
  EXPECT_TRUE(threshold_schedule("threshold", paper, 0).empty());
}

TEST(ThresholdSchedule, refuses_more_steps_than_thresholds_and_the_wrong_order) {
  EXPECT_THROW(threshold_schedule("threshold", {0.5}, 2), UsageError);
  EXPECT_THROW(threshold_schedule("threshold", {0.5}, -1), UsageError);
  EXPECT_THROW(threshold_schedule("threshold", {0.5, 0.4}, 1), UsageError);
  EXPECT_THROW(threshold_schedule("top_k", {2, 4}, 1), UsageError);
}

}  // namespace
}  // namespace rest
