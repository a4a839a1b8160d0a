#include "rest/reward/rated_dataset.hpp"

#include <algorithm>
#include <fstream>
#include <set>

#include "rest/core/error.hpp"
#include "unit/store/store_fixture.hpp"

namespace rest {
namespace {

class RatedDatasetTest : public StoreTest {
 protected:
  /// Two translations of each of `sources` sources, the second one worse by 10.
  std::string ratings_file(const std::string& name, int sources, double scale) const {
    std::ofstream out(dir() / name);
    for (int i = 0; i < sources; ++i) {
      out << "source " << i << "\tgood words of " << i << '\t' << scale * (20 + i) << '\n';
      out << "source " << i << "\tbad words of " << i << '\t' << scale * (10 + i) << '\n';
    }
    return (dir() / name).string();
  }
  RewardModelOptions of_files(std::vector<std::string> files) const {
    RewardModelOptions options;
    options.ratings = std::move(files);
    options.folds = 5;
    return options;
  }
};

TEST_F(RatedDatasetTest, NoSourceIsOnBothSides) {
  RewardModelOptions options = of_files({ratings_file("a.tsv", 200, 1.0)});
  std::set<std::string> held_out;
  for (options.fold = 0; options.fold < 5; ++options.fold) {
    const RatedSplit split = read_rated_split(options);
    EXPECT_EQ(split.train.size() + split.valid.size(), 400u);
    const std::set<std::string> train(split.train.source.begin(), split.train.source.end());
    for (const std::string& source : split.valid.source) {
      EXPECT_EQ(train.count(source), 0u);
      held_out.insert(source);
    }
    EXPECT_NEAR(static_cast<double>(split.valid.size()), 80.0, 48.0);  // five standard deviations, pairs stay together
  }
  EXPECT_EQ(held_out.size(), 200u) << "each is held out once";
}

TEST_F(RatedDatasetTest, SetsAreNormalisedByThemselves) {
  for (const std::string how : {"range", "rank"}) {
    RewardModelOptions options = of_files({ratings_file("a.tsv", 100, 1.0), ratings_file("b.tsv", 100, -0.01)});
    options.normalise = how;
    const RatedSplit split = read_rated_split(options);
    const auto half = static_cast<std::ptrdiff_t>(split.train.size() / 2);
    for (const auto begin : {split.train.score.begin(), split.train.score.begin() + half}) {
      const auto [low, high] = std::minmax_element(begin, begin + half);
      EXPECT_LT(*low, 0.02) << how;
      EXPECT_GT(*high, 0.98) << how;
      EXPECT_GE(*low, 0.0);
      EXPECT_LE(*high, 1.0);
    }
  }
}

TEST_F(RatedDatasetTest, TakesRewardsAsTheyAre) {
  RewardModelOptions options = of_files({ratings_file("a.tsv", 50, 0.01)});
  options.normalise = "none";
  const RatedSplit split = read_rated_split(options);
  for (const Ratings& part : {split.train, split.valid}) {
    for (std::size_t i = 0; i < part.size(); ++i) {
      const double number = std::stod(part.source[i].substr(7));
      EXPECT_NEAR(part.score[i], 0.01 * (number + (part.translation[i][0] == 'g' ? 20 : 10)), 1e-9);
    }
  }
  options.ratings = {ratings_file("b.tsv", 50, 1.0)};
  EXPECT_THROW(read_rated_split(options), Error) << "outside [0, 1]";
}

TEST_F(RatedDatasetTest, RefusesWhatCannotBeLearnedFrom) {
  EXPECT_THROW(read_rated_split(of_files({})), UsageError);
  EXPECT_THROW(read_rated_split(of_files({(dir() / "nowhere.tsv").string()})), Error);
  EXPECT_THROW(read_rated_split(of_files({ratings_file("small.tsv", 1, 1.0)})), Error) << "one source";
  std::ofstream(dir() / "one_class.tsv") << [] {
    std::string lines;
    for (int i = 0; i < 500; ++i) lines += "s" + std::to_string(i) + "\tt\t" + (i == 0 ? "2" : "1") + "\n";
    return lines;
  }();
  EXPECT_THROW(read_rated_split(of_files({(dir() / "one_class.tsv").string()})), Error);
  EXPECT_THROW(perturbations_named({"repeat", "sing"}), UsageError);
}

TEST_F(RatedDatasetTest, SpoiltTranslationsAreOfTheBestAndWeighTheirShare) {
  train_tokenizer({"source 0 1 2 3 4 5 6 7 8 9", "good bad words of", "rarely said otherwise"}, {289, 1.0},
                  dir() / "model");
  const Tokenizer tokenizer(dir() / "model");
  RewardModelOptions options = of_files({ratings_file("a.tsv", 60, 1.0)});
  const Ratings train = read_rated_split(options).train;
  RatedDataset dataset(tokenizer);
  for (std::size_t i = 0; i < train.size(); ++i) dataset.add(train.source[i], train.translation[i], train.score[i]);
  const auto kinds = perturbations_named({"repeat", "empty", "wrong_source"});
  add_spoiled(dataset, train, kinds, 0.25, 1);
  const BestTranslations best = best_translations(train);
  for (std::size_t i = 0; i < best.good.size(); ++i) EXPECT_EQ(best.good[i].text.rfind("good", 0), 0u);
  ASSERT_GT(best.good.size(), 10u);
  EXPECT_EQ(dataset.size(), train.size() + 3 * best.good.size());
  double rated = 0.0, spoiled = 0.0;
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    const Example example = dataset.get(i);
    (i < train.size() ? rated : spoiled) += static_cast<double>(example.weight);
    EXPECT_EQ(example.id, i);
    if (i >= train.size() && example.target.size() == 0) {
      EXPECT_EQ(example.rating, 0.0f);
    }
  }
  EXPECT_NEAR(spoiled / (rated + spoiled), 0.25, 1e-4);
  for (std::size_t i = 0; i < best.good.size(); ++i) {  // repeat, empty, wrong_source of each, in this order
    const std::size_t first = train.size() + 3 * i;
    EXPECT_NEAR(dataset.get(first).rating, 0.4 * best.rating[i], 1e-6);
    EXPECT_EQ(dataset.get(first).source.data(), dataset.get(first + 2).source.data());
    EXPECT_GT(dataset.get(first).target.size(), dataset.get(first + 2).target.size());
    EXPECT_EQ(dataset.get(first + 1).target.size(), 0u);
    EXPECT_EQ(dataset.get(first + 2).rating, 0.0f);
  }
  EXPECT_EQ(dataset.get(0).source.data(), dataset.get(1).source.data()) << "one source, its pieces once";
}

TEST_F(RatedDatasetTest, KindsThatSeldomApplyCountAsMuchAsOthers) {
  train_tokenizer({"source words of some kind", "1 2 3", "said otherwise"}, {281, 1.0}, dir() / "model");
  const Tokenizer tokenizer(dir() / "model");
  Ratings ratings;
  for (int i = 0; i < 60; ++i) {
    ratings.source.push_back("source " + std::string(static_cast<std::size_t>(i + 1), 'a'));
    ratings.translation.push_back(i < 3 ? "words of kind 1" : "words of some kind");
    ratings.score.push_back(0.5);
  }
  const auto weights_of = [&](double share) {
    RatedDataset dataset(tokenizer);
    for (std::size_t i = 0; i < 60; ++i) dataset.add(ratings.source[i], ratings.translation[i], ratings.score[i]);
    add_spoiled(dataset, ratings, perturbations_named({"empty", "numbers"}), share, 1);
    double empty = 0.0, numbers = 0.0;
    for (std::size_t i = 60; i < dataset.size(); ++i) {
      const Example example = dataset.get(i);
      (example.target.size() == 0 ? empty : numbers) += static_cast<double>(example.weight);
    }
    return std::make_pair(empty, numbers);
  };
  const auto [empty, numbers] = weights_of(0.25);
  EXPECT_NEAR(empty, 10.0, 1e-4);
  EXPECT_NEAR(numbers, 10.0, 1e-4);
  EXPECT_NEAR(weights_of(0.75).second, 30.0, 1e-4) << "three texts, each no more than ten ratings";
}

}  // namespace
}  // namespace rest
