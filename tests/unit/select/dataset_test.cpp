#include "rest/select/dataset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace rest {
namespace {

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

/// Pairs that are nothing but an id.
class Numbers : public Dataset {
 public:
  explicit Numbers(std::size_t size) : size_(size) {}
  std::size_t size() const override { return size_; }
  Example get(std::size_t i) const override { return {{}, {}, 1.0f, i}; }

 private:
  std::size_t size_;
};

std::vector<std::uint64_t> ids(const Dataset& pairs) {
  std::vector<std::uint64_t> all;
  for (std::size_t i = 0; i < pairs.size(); ++i) all.push_back(pairs.get(i).id);
  return all;
}

TEST(ShuffledDataset, holds_every_pair_once_in_the_windows_of_an_epoch) {
  const Numbers numbers(150000);
  const ShuffledDataset shuffled(numbers);
  ASSERT_EQ(shuffled.windows(), 3u);
  std::vector<std::uint64_t> all;
  for (std::uint64_t window = 0; window < 3; ++window) {
    const auto part = ids(*shuffled.load(1, 0, window));
    EXPECT_FALSE(std::is_sorted(part.begin(), part.end()));
    all.insert(all.end(), part.begin(), part.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, ids(numbers));
}

TEST(ShuffledDataset, shuffles_by_seed_and_epoch) {
  const Numbers numbers(100);
  const ShuffledDataset shuffled(numbers);
  const auto first = ids(*shuffled.load(1, 0, 0));
  EXPECT_EQ(ids(*shuffled.load(1, 0, 0)), first);
  EXPECT_NE(ids(*shuffled.load(1, 1, 0)), first);
  EXPECT_NE(ids(*shuffled.load(2, 0, 0)), first);
}

}  // namespace
}  // namespace rest
