#include "rest/store/corpus.hpp"

#include "unit/store/store_fixture.hpp"

namespace rest {
namespace {

using CorpusFile = StoreTest;

CorpusSide make_side(const std::vector<std::vector<Token>>& rows, const std::vector<std::string>& text) {
  CorpusSide side;
  for (const auto& row : rows) side.tokens.push_back(row);
  side.text = text;
  return side;
}

Corpus small_corpus(std::int64_t vocabulary_size = 1000) {
  Corpus corpus;
  corpus.vocabulary_size = vocabulary_size;
  corpus.tokenizer_digest = "t0";
  corpus.source = make_side({{4, 5, 999}, {7}, {8, 9}}, {"ein H\xC3\xA4us", "zwei", "drei vier"});
  corpus.target = make_side({{10}, {11, 12}, {13, 14, 15}}, {"a house", "two", "three four"});
  return corpus;
}

const Lineage lineage = make_lineage("corpus", {{"text", "d0"}}, {{"max_length", 128}});

void expect_equal(const CorpusSide& a, const CorpusSide& b) {
  EXPECT_EQ(a.tokens.offsets, b.tokens.offsets);
  EXPECT_EQ(a.tokens.values, b.tokens.values);
  EXPECT_EQ(a.text, b.text);
}

TEST_F(CorpusFile, comes_back_as_written_with_its_digest) {
  write_corpus(dir() / "train.h5", small_corpus(), lineage);
  const Corpus there = read_corpus(dir() / "train.h5");
  EXPECT_EQ(there.vocabulary_size, 1000);
  EXPECT_EQ(there.tokenizer_digest, "t0");
  EXPECT_TRUE(there.has_target());
  expect_equal(there.source, small_corpus().source);
  expect_equal(there.target, small_corpus().target);
  EXPECT_EQ(there.digest, sha256_of_file(dir() / "train.h5"));
}

TEST_F(CorpusFile, may_be_monolingual) {
  Corpus corpus = small_corpus();
  corpus.target = {};
  write_corpus(dir() / "mono.h5", corpus, lineage);
  EXPECT_FALSE(read_corpus(dir() / "mono.h5").has_target());
}

TEST_F(CorpusFile, holds_pieces_of_large_vocabularies) {
  Corpus corpus = small_corpus(100000);
  corpus.source.tokens.values[0] = 99999;
  write_corpus(dir() / "train.h5", corpus, lineage);
  EXPECT_EQ(read_corpus(dir() / "train.h5").source.tokens.values[0], 99999u);
}

TEST_F(CorpusFile, has_the_same_bytes_when_written_again) {
  write_corpus(dir() / "a.h5", small_corpus(), lineage);
  write_corpus(dir() / "b.h5", small_corpus(), lineage);
  EXPECT_EQ(bytes_of(dir() / "a.h5"), bytes_of(dir() / "b.h5"));
}

TEST_F(CorpusFile, is_refused_when_rows_or_pieces_do_not_fit) {
  Corpus corpus = small_corpus(999);
  EXPECT_TRUE(contains(error_of([&] { write_corpus(dir() / "a.h5", corpus, lineage); }), "source/tokens"));
  corpus = small_corpus();
  corpus.target.text.pop_back();
  EXPECT_TRUE(contains(error_of([&] { write_corpus(dir() / "a.h5", corpus, lineage); }), "target/text"));
  corpus = small_corpus();
  corpus.target = make_side({{1}}, {"one"});
  EXPECT_TRUE(contains(error_of([&] { write_corpus(dir() / "a.h5", corpus, lineage); }), "target"));
  EXPECT_FALSE(find_committed(dir() / "a.h5"));
  EXPECT_FALSE(std::filesystem::exists(dir() / "a.h5"));
}

TEST_F(CorpusFile, names_the_file_when_missing_truncated_or_altered) {
  const auto file = dir() / "train.h5";
  const auto message = [&] { return error_of([&] { read_corpus(file); }); };
  EXPECT_TRUE(contains(message(), file.string()));
  EXPECT_TRUE(contains(message(), "rest_prepare"));
  write_corpus(file, small_corpus(), lineage);
  flip_middle_byte(file);
  EXPECT_TRUE(contains(message(), file.string()));
  truncate(file);
  EXPECT_TRUE(contains(message(), file.string()));
}

TEST_F(CorpusFile, names_the_column_that_is_wrong_under_a_right_digest) {
  const auto file = dir() / "train.h5";
  const std::vector<std::pair<std::string, std::string>> damages = {
      {"source/tokens", replace("source/tokens", "[4, 5, 1000, 7, 8, 9]", "u2")},
      {"source/tokens", replace("source/tokens", "[4, 5, 6]", "u2")},
      {"source/tokens", replace("source/tokens", "[4, 5, 6, 7, 8, 9]", "f4")},
      {"source/tokens", replace("source/tokens", "[4, 5, 6, 7, 8, 9]", "i2")},
      {"source/tokens", replace("source/tokens", "[[4, 5, 6], [7, 8, 9]]", "u2")},
      {"target/text", "del h['target/text']"},
      {"source/length", "del h['source']"},
      {"source/text", replace("source/text", "[65]", "u1")},
      {"target/length",
       "del h['target']; h['target'] = h['source']; del h['source']; g = h.create_group('source')\n"
       "g['length'] = np.array([1], 'u4'); g['tokens'] = np.array([4], 'u2')\n"
       "g['text'] = np.array([65], 'u1'); g['text_length'] = np.array([1], 'u4')"},
      {"format", "h.attrs['format'] = 'rest-candidates'"},
      {"format_version", "h.attrs['format_version'] = 2"},
      {"vocabulary_size", "h.attrs['vocabulary_size'] = -1"},
      {"tokenizer", "del h.attrs['tokenizer']"},
  };
  for (const auto& [name, code] : damages) {
    write_corpus(file, small_corpus(), lineage);
    if (!alter(file, code)) GTEST_SKIP() << "no h5py";
    const std::string message = error_of([&] { read_corpus(file); });
    EXPECT_TRUE(contains(message, name)) << code;
    EXPECT_TRUE(contains(message, file.string())) << code;
  }
}

TEST_F(CorpusFile, refuses_a_column_that_claims_more_than_its_bytes_hold) {
  const auto file = dir() / "train.h5";
  write_corpus(file, small_corpus(), lineage);
  if (!alter(file, "del h['source/text']; h.create_dataset('source/text', (1 << 50,), 'u1', chunks=(1024,))")) {
    GTEST_SKIP() << "no h5py";
  }
  EXPECT_TRUE(contains(error_of([&] { read_corpus(file); }), "source/text"));
}

TEST_F(CorpusFile, that_is_no_hdf5_is_an_error) {
  const auto file = dir() / "train.h5";
  commit_file(file, lineage, [&](const std::filesystem::path& path) { put(path, "not HDF5"); });
  EXPECT_TRUE(contains(error_of([&] { read_corpus(file); }), file.string()));
}

}  // namespace
}  // namespace rest
