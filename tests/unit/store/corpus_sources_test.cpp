#include "rest/store/corpus_sources.hpp"

#include "rest/store/corpus.hpp"
#include "unit/store/store_fixture.hpp"

namespace rest {
namespace {

class CorpusSourcesTest : public StoreTest {
 protected:
  std::filesystem::path file() const { return dir() / "corpus.h5"; }
  /// Sentence i has i mod 4 pieces, all of them i mod 1,000.
  Corpus write(std::size_t size) const {
    Corpus corpus;
    corpus.vocabulary_size = 1000;
    corpus.tokenizer_digest = "tokenizer0";
    for (std::size_t i = 0; i < size; ++i) {
      corpus.source.tokens.push_back(std::vector<Token>(i % 4, static_cast<Token>(i % 1000)));
    }
    corpus.source.text.resize(size);
    write_corpus(file(), corpus, make_lineage("corpus", {}, {}));
    return corpus;
  }
};

TEST_F(CorpusSourcesTest, reads_any_run_of_sentences) {
  const Corpus corpus = write(10000);
  const CorpusSources sources(file());
  EXPECT_EQ(sources.size(), 10000u);
  EXPECT_EQ(sources.tokenizer_digest(), "tokenizer0");
  EXPECT_EQ(sources.digest(), sha256_of_file(file()));
  for (const auto& [first, count] :
       {std::pair<std::uint64_t, std::size_t>{0, 10000}, {0, 1}, {4095, 2}, {4096, 1}, {5000, 4000}, {9999, 1}}) {
    const Ragged<Token> rows = sources.read(first, count);
    ASSERT_EQ(rows.size(), count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto expected = corpus.source.tokens[static_cast<std::size_t>(first) + i];
      EXPECT_EQ(std::vector<Token>(rows[i].begin(), rows[i].end()),
                std::vector<Token>(expected.begin(), expected.end()));
    }
  }
  EXPECT_EQ(sources.read(0, 0).size(), 0u);
}

TEST_F(CorpusSourcesTest, names_the_file_when_it_is_damaged_or_too_short) {
  EXPECT_TRUE(contains(error_of([&] { CorpusSources{file()}; }), "rest_prepare"));
  write(10);
  const CorpusSources sources(file());
  for (const auto& [first, count] : {std::pair<std::uint64_t, std::size_t>{5, 6}, {10, 1}, {5000, 1}}) {
    EXPECT_TRUE(contains(error_of([&] { sources.read(first, count); }), file().string() + ": dataset source/length"));
  }
  flip_middle_byte(file());
  EXPECT_TRUE(contains(error_of([&] { CorpusSources{file()}; }), file().string()));
}

}  // namespace
}  // namespace rest
