#include "rest/select/view.hpp"

#include "unit/store/grow_fixture.hpp"

namespace rest {
namespace {

class View : public GrowTest {
 protected:
  CandidateView view(double threshold, Unfinished unfinished = Unfinished::left_out) const {
    return view(ThresholdFilter(threshold), unfinished);
  }
  CandidateView view(Filter&& filter, Unfinished unfinished = Unfinished::left_out) const {
    return CandidateView(ScoredStep(dir(), "chrf", corpus_), filter, unfinished);
  }
  static std::vector<std::uint64_t> ids(const CandidateView& view) {
    std::vector<std::uint64_t> all;
    for (std::size_t i = 0; i < view.size(); ++i) all.push_back(view.get(i).id);
    return all;
  }
  static double weighted_tokens(const CandidateView& view, bool originals) {
    const std::vector<bool> is_original = {false, false, true, false, true, false, false, true};
    double sum = 0.0;
    for (std::size_t i = 0; i < view.size(); ++i) {
      const Example example = view.get(i);
      if (is_original[example.id] == originals) {
        sum += static_cast<double>(example.weight) * static_cast<double>(example.target.size() + 1);
      }
    }
    return sum;
  }
  Corpus corpus_ = corpus();
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
  QuantileFilter half(0.5);
  const CandidateView kept(ScoredStep(dir(), "chrf", corpus_), half);
  EXPECT_EQ(half.global_cut(), 0.6f);  // six of twelve are below
  EXPECT_EQ(ids(kept), (Ids{0, 2, 4, 6}));
  QuantileFilter with_unfinished(0.5);  // 0.5 x 2 more
  const CandidateView more(ScoredStep(dir(), "chrf", corpus_), with_unfinished, Unfinished::as_any);
  EXPECT_EQ(with_unfinished.global_cut(), 0.5f);
}

TEST_F(View, knows_the_source_of_a_candidate) {
  write_step();
  const CandidateView all = view(-1.0);
  std::vector<std::uint32_t> sources;
  for (std::size_t i = 0; i < all.size(); ++i) sources.push_back(all.source(i));
  EXPECT_EQ(sources, (std::vector<std::uint32_t>{0, 0, 0, 1, 3, 4, 4}));
}

TEST_F(View, pairs_candidates_with_their_sources_and_counts) {
  write_step();
  const CandidateView kept = view(0.25);  // rows 0, 2, 4, 5, 6
  const Example example = kept.get(3);
  EXPECT_EQ(example.id, 5u);
  EXPECT_EQ(std::vector<Token>(example.source.begin(), example.source.end()), std::vector<Token>{103});
  EXPECT_EQ(std::vector<Token>(example.target.begin(), example.target.end()), (std::vector<Token>{11, 12}));
  EXPECT_EQ(example.weight, 4.0f);
  EXPECT_EQ(kept.get(0).weight, 3.0f);
  EXPECT_EQ(kept.get(1).source[0], 100u);
  EXPECT_EQ(kept.get(2).source[0], 101u);
  EXPECT_EQ(kept.get(4).source[0], 104u);
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

TEST_F(View, refuses_a_corpus_it_was_not_grown_from) {
  write_step();
  corpus_.digest = "corpus1";
  std::string message = error_of([&] { view(0.5); });
  EXPECT_TRUE(contains(message, "shard-00000.h5"));
  EXPECT_TRUE(contains(message, "corpus1"));
  corpus_.digest.clear();  // in memory, of unknown digest
  EXPECT_NO_THROW(view(0.5));
  corpus_.tokenizer_digest = "tokenizer1";
  EXPECT_TRUE(contains(error_of([&] { view(0.5); }), "tokenizer"));
  corpus_.tokenizer_digest = "tokenizer0";
  corpus_.source.tokens.offsets.pop_back();
  EXPECT_TRUE(contains(error_of([&] { view(0.5); }), "shard-00001.h5"));
}

TEST_F(View, names_a_damaged_shard_or_column) {
  write_step();
  flip_middle_byte(shard_file(dir(), 1));
  EXPECT_TRUE(contains(error_of([&] { view(0.5); }), "shard-00001.h5"));
  flip_middle_byte(shard_file(dir(), 1));
  truncate(reward_file(dir(), "chrf", 0));
  EXPECT_TRUE(contains(error_of([&] { view(0.5); }), "rewards/chrf/shard-00000.h5"));
}

TEST(CorpusDataset, hands_out_the_pairs_of_a_corpus) {
  Corpus corpus;
  corpus.source.tokens.push_back(std::vector<Token>{4, 5});
  corpus.target.tokens.push_back(std::vector<Token>{6});
  const CorpusDataset pairs(corpus);
  ASSERT_EQ(pairs.size(), 1u);
  EXPECT_EQ(pairs.get(0).source.size(), 2u);
  EXPECT_EQ(pairs.get(0).target[0], 6u);
  EXPECT_EQ(pairs.get(0).weight, 1.0f);
}

}  // namespace
}  // namespace rest
