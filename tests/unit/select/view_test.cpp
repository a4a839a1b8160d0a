#include "rest/select/view.hpp"

#include <algorithm>
#include <deque>
#include <set>

#include "unit/select/scored_fixture.hpp"

namespace rest {
namespace {

/// An example that owns its pieces.
struct Kept {
  std::uint64_t id, source_number;
  std::vector<Token> source, target;
  float weight;
};

class View : public ScoredTest {
 protected:
  CandidateView view(double threshold, Unfinished unfinished = Unfinished::left_out) {
    return view(ThresholdFilter(threshold), unfinished);
  }
  template <class Chosen>
  CandidateView view(const Chosen& filter, Unfinished unfinished = Unfinished::left_out) {
    steps_.emplace_back(new ScoredStep(step()));
    filters_.push_back(std::make_unique<Chosen>(filter));
    return CandidateView(*steps_.back(), *filters_.back(), unfinished);
  }
  const Filter& filter() const { return *filters_.back(); }  ///< of the last view

  static std::vector<Kept> kept(const CandidateView& view) {
    std::vector<Kept> all;
    view.each_block([&](const KeptCandidates& block) {
      for (std::size_t i = 0; i < block.size(); ++i) {
        const Example example = block.get(i);
        all.push_back({example.id,
                       block.source(i),
                       {example.source.begin(), example.source.end()},
                       {example.target.begin(), example.target.end()},
                       example.weight});
      }
    });
    EXPECT_EQ(all.size(), view.size());
    return all;
  }
  static std::vector<std::uint64_t> ids(const CandidateView& view) {
    std::vector<std::uint64_t> all;
    for (const Kept& example : kept(view)) all.push_back(example.id);
    return all;
  }
  static double weighted_tokens(const CandidateView& view, bool originals) {
    const std::vector<bool> is_original = {false, false, true, false, true, false, false, true};
    double sum = 0.0;
    for (const Kept& example : kept(view)) {
      if (is_original[example.id] == originals) {
        sum += static_cast<double>(example.weight) * static_cast<double>(example.target.size() + 1);
      }
    }
    return sum;
  }

 private:
  std::deque<std::unique_ptr<ScoredStep>> steps_;
  std::deque<std::unique_ptr<Filter>> filters_;
};

using Ids = std::vector<std::uint64_t>;

TEST_F(View, of_everything_leaves_out_unfinished_samples_but_no_originals) {
  write_step();
  EXPECT_EQ(ids(view(-1.0)), (Ids{0, 1, 2, 4, 5, 6, 7}));
  EXPECT_EQ(ids(view(-1.0, Unfinished::as_any)), (Ids{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(View, keeps_ids_whatever_the_filter) {
  write_step();
  EXPECT_EQ(ids(view(0.55)), (Ids{0, 2, 4, 6}));
  EXPECT_EQ(ids(view(0.85)), (Ids{0, 2}));
  EXPECT_EQ(view(1.0).size(), 0u);
}

TEST_F(View, lets_unfinished_samples_take_no_part_in_cuts_unless_they_are_trained_on) {
  write_step();
  // Source 1 has an unfinished sample of 0.5 and an original of 0.6.
  EXPECT_EQ(ids(view(PercentileFilter(0.75))), (Ids{0, 2, 4, 5, 6}));
  EXPECT_EQ(ids(view(PercentileFilter(0.75), Unfinished::as_any)), (Ids{0, 2, 3, 4, 5, 6}));
  EXPECT_EQ(ids(view(TopKFilter(1))), (Ids{0, 2, 4, 5, 6}));
  EXPECT_EQ(ids(view(TopKFilter(1), Unfinished::as_any)), (Ids{0, 2, 3, 4, 5, 6}));
  EXPECT_EQ(ids(view(TopKFilter(4))), (Ids{0, 1, 2, 4, 5, 6, 7}));
}

TEST_F(View, shows_the_filter_all_shards_before_it_chooses) {
  write_step();
  // By count, without the unfinished: 0.1, 0.2, 0.3 x 4, 0.6, 0.8, 0.9 x 3, 1.0.
  EXPECT_EQ(ids(view(QuantileFilter(0.5))), (Ids{0, 2, 4, 6}));
  EXPECT_EQ(filter().global_cut(), 0.6f);         // six of twelve are below
  view(QuantileFilter(0.5), Unfinished::as_any);  // 0.5 x 2 more
  EXPECT_EQ(filter().global_cut(), 0.5f);
}

TEST_F(View, pairs_candidates_with_their_sources_and_counts) {
  write_step();
  const std::vector<Kept> there = kept(view(0.25));
  ASSERT_EQ(there.size(), 5u);  // rows 0, 2, 4, 5, 6
  EXPECT_EQ(there[3].id, 5u);
  EXPECT_EQ(there[3].source, std::vector<Token>{103});
  EXPECT_EQ(there[3].target, (std::vector<Token>{11, 12}));
  EXPECT_EQ(there[3].weight, 4.0f);
  EXPECT_EQ(there[0].weight, 3.0f);
  const std::vector<std::uint64_t> sources = {0, 0, 1, 3, 4};
  for (std::size_t i = 0; i < there.size(); ++i) {
    EXPECT_EQ(there[i].source_number, sources[i]);
    EXPECT_EQ(there[i].source[0], 100 + sources[i]);
  }
}

TEST_F(View, summarises_all_candidates_and_the_kept_by_count) {
  write_step();
  const CandidateView kept = view(0.55);
  EXPECT_EQ(kept.all().candidates, 14u);
  EXPECT_EQ(kept.all().distinct, 8u);
  EXPECT_EQ(kept.all().originals, 3u);
  EXPECT_EQ(kept.all().unfinished, 2u);
  EXPECT_EQ(kept.all().sources, 5u);
  EXPECT_EQ(kept.all().sources_empty, 1u);
  EXPECT_EQ(kept.all().tokens, 6 + 3 + 4 + 2 + 2 + 12 + 2 + 3);
  const double sum = 3 * 0.9 + 0.2 + 1.0 + 2 * 0.5 + 0.6 + 4 * 0.3 + 0.8 + 0.1;
  EXPECT_NEAR(kept.all().mean_reward, sum / 14, 1e-7);
  EXPECT_EQ(kept.kept().candidates, 6u);
  EXPECT_EQ(kept.kept().originals, 2u);
  EXPECT_EQ(kept.kept().sources_empty, 2u);
  EXPECT_NEAR(kept.kept().mean_reward, (2.7 + 1.0 + 0.6 + 0.8) / 6, 1e-7);
  EXPECT_NEAR(kept.sampled_share(), 8.0 / 14.0, 1e-12);  // rows 0 and 6 of 0, 2, 4, 6
}

TEST_F(View, mixes_samples_and_originals_by_lambda_and_keeps_the_total) {
  write_step();
  const double total = weighted_tokens(view(0.0), true) + weighted_tokens(view(0.0), false);
  for (const double lambda : {0.0, 0.25, 0.5, 1.0}) {
    CandidateView mixed = view(0.0);
    mixed.mix(lambda);
    EXPECT_NEAR(weighted_tokens(mixed, false), lambda * total, 1e-4);
    EXPECT_NEAR(weighted_tokens(mixed, true), (1 - lambda) * total, 1e-4);
    EXPECT_EQ(mixed.sampled_share(), lambda);
    if (lambda == 1.0) {
      EXPECT_EQ(ids(mixed), (Ids{0, 1, 5, 6})) << "no originals to compute in vain";
    }
  }
  CandidateView as_it_comes = view(0.0);
  as_it_comes.mix(-1.0);
  EXPECT_EQ(ids(as_it_comes), ids(view(0.0)));
  EXPECT_EQ(as_it_comes.sampled_share(), view(0.0).sampled_share());
}

TEST_F(View, refuses_a_lambda_that_needs_what_was_not_kept) {
  write_step();
  CandidateView one_original = view(0.95), nothing = view(1.0);
  EXPECT_TRUE(contains(error_of([&] { one_original.mix(0.5); }), "lambda"));
  one_original.mix(0.0);
  EXPECT_EQ(ids(one_original), Ids{2});
  nothing.mix(0.5);
  EXPECT_EQ(nothing.size(), 0u);
  EXPECT_THROW(one_original.mix(1.5), UsageError);
}

TEST_F(View, loads_an_epoch_of_few_candidates_as_one_shuffled_window) {
  write_step();
  const CandidateView all = view(-1.0);
  ASSERT_EQ(all.windows(), 1u);
  const std::vector<Token> source = {100, 100, 100, 101, 101, 103, 104, 104};  // by id
  std::set<Ids> orders;
  for (std::uint64_t epoch = 0; epoch < 5; ++epoch) {
    Ids order;
    const auto window = all.load(1, epoch, 0);
    for (std::size_t i = 0; i < window->size(); ++i) {
      order.push_back(window->get(i).id);
      EXPECT_EQ(window->get(i).source[0], source[order.back()]);
    }
    orders.insert(order);
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, (Ids{0, 1, 2, 4, 5, 6, 7}));
  }
  EXPECT_GT(orders.size(), 1u);
}

TEST_F(View, names_a_damaged_shard_or_column) {
  write_step();
  flip_middle_byte(shard_file(dir(), 1));
  EXPECT_TRUE(contains(error_of([&] { view(0.5).load(1, 0, 0); }), "shard-00001.h5"));
  flip_middle_byte(shard_file(dir(), 1));
  truncate(reward_file(dir(), "chrf", 0));
  EXPECT_TRUE(contains(error_of([&] { view(0.5); }), "rewards/chrf/shard-00000.h5"));
}

/// Two shards of 6,000 and 5,000 sources with 20 candidates each: candidate i of the step is the one piece i mod 1,000.
class BigView : public View {
 protected:
  static constexpr std::uint64_t candidates = 220000;
  BigView() {
    write_sources(corpus(11000));
    std::filesystem::create_directories(dir() / "rewards" / "chrf");
    write_big(0, 0, 6000);
    write_big(1, 6000, 5000);
    write_index(dir(), 2, {"chrf"});
  }

 private:
  void write_big(std::int64_t number, std::int64_t first, std::size_t sources) const {
    CandidateShard shard;
    shard.first_source = first;
    shard.candidates_per_source.assign(sources, 20);
    const std::size_t rows = sources * 20;
    std::vector<float> rewards;
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t id = static_cast<std::size_t>(first) * 20 + row;
      shard.tokens.push_back(std::vector<Token>{static_cast<Token>(id % 1000)});
      rewards.push_back(static_cast<float>(id % 101) / 101.0f);
    }
    shard.log_prob.assign(rows, -1.0f);
    shard.sampling_log_prob = shard.log_prob;
    shard.count.assign(rows, 1);
    shard.finished.assign(rows, 1);
    shard.origin.assign(rows, 0);
    write_shard(shard_file(dir(), number), shard, attributes(), lineage());
    write_rewards(reward_file(dir(), "chrf", number),
                  {"chrf", sha256_of_file(shard_file(dir(), number)), rewards, CandidateColumns(shard)}, lineage());
  }
};

TEST_F(BigView, holds_every_candidate_once_in_the_windows_of_an_epoch) {
  const CandidateView all = view(-1.0);
  ASSERT_EQ(all.size(), candidates);
  ASSERT_EQ(all.windows(), 3u);
  std::vector<bool> seen(candidates);
  for (std::uint64_t window = 0; window < 3; ++window) {
    const auto examples = all.load(1, 0, window);
    EXPECT_NEAR(static_cast<double>(examples->size()), candidates / 3.0, 8192.0);
    std::uint64_t of_first_shard = 0, ascents = 0;
    for (std::size_t i = 0; i < examples->size(); ++i) {
      const Example example = examples->get(i);
      EXPECT_FALSE(seen[example.id]);
      seen[example.id] = true;
      EXPECT_EQ(example.target[0], example.id % 1000);
      EXPECT_EQ(example.source[0], 100 + example.id / 20 % 900);
      of_first_shard += example.id < 120000;
      ascents += i > 0 && example.id > examples->get(i - 1).id;
    }
    EXPECT_GT(of_first_shard, 0u);
    EXPECT_LT(of_first_shard, examples->size());
    EXPECT_NEAR(static_cast<double>(ascents) / static_cast<double>(examples->size()), 0.5, 0.02) << "rows are mixed";
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), static_cast<std::ptrdiff_t>(candidates));
}

TEST_F(BigView, is_the_same_whatever_the_number_of_workers) {
  const ScoredStep step = this->step();
  QuantileFilter filter_of_one(0.7), filter_of_three(0.7);
  const CandidateView one(step, filter_of_one, Unfinished::left_out, 1);
  const CandidateView three(step, filter_of_three, Unfinished::left_out, 3);
  EXPECT_EQ(filter_of_three.global_cut(), filter_of_one.global_cut());
  EXPECT_EQ(three.kept().mean_reward, one.kept().mean_reward);
  EXPECT_EQ(three.all().mean_reward, one.all().mean_reward);
  EXPECT_EQ(ids(three), ids(one));
}

TEST_F(BigView, loads_the_same_window_after_a_restart_and_another_in_another_epoch) {
  const auto ids_of = [](const CandidateView& view, std::uint64_t seed, std::uint64_t epoch, std::uint64_t window) {
    const auto examples = view.load(seed, epoch, window);
    Ids ids;
    for (std::size_t i = 0; i < examples->size(); ++i) ids.push_back(examples->get(i).id);
    return ids;
  };
  const CandidateView once = view(0.5), again = view(0.5);
  once.load(1, 0, 0);
  ASSERT_EQ(once.windows(), 2u);
  const Ids expected = ids_of(once, 1, 3, 1);
  EXPECT_EQ(ids_of(again, 1, 3, 1), expected);
  Ids other_epoch = ids_of(once, 1, 4, 1), sorted = expected;
  std::sort(other_epoch.begin(), other_epoch.end());
  std::sort(sorted.begin(), sorted.end());
  EXPECT_NE(other_epoch, sorted) << "other blocks";
  EXPECT_NE(ids_of(once, 2, 3, 1), expected);
}

}  // namespace
}  // namespace rest
