#include "rest/text/tokenizer.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "rest/text/bitext.hpp"
#include "rest_source_dir.hpp"
#include "support/temporary_directory.hpp"

namespace rest {
namespace {

const std::vector<std::string>& sentences() {
  static const std::vector<std::string> lines = [] {
    std::vector<std::string> all = read_lines(REST_SOURCE_DIR "/data/synthetic/train.src");
    const std::vector<std::string> target = read_lines(REST_SOURCE_DIR "/data/synthetic/train.tgt");
    all.insert(all.end(), target.begin(), target.end());
    return all;
  }();
  return lines;
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class TokenizerTest : public testing::Test {
 protected:
  std::filesystem::path train(const std::string& name) const {
    train_tokenizer(sentences(), {400, 1.0}, folder_ / name);
    return folder_ / name;
  }
  std::string training_error(const std::vector<std::string>& text, std::int64_t vocabulary_size) const {
    try {
      train_tokenizer(text, {vocabulary_size, 1.0}, folder_ / "none.model");
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  TemporaryDirectory folder_;
};

TEST_F(TokenizerTest, DecodesWhatItEncodes) {
  const Tokenizer tokenizer(train("a.model"));
  EXPECT_EQ(tokenizer.vocabulary_size(), 400);
  for (const std::string text : {"the old dog sees my birds.", "Größe 日本語 😀 never seen", "<s> </s> <unk>"}) {
    const std::vector<Token> pieces = tokenizer.encode(text);
    EXPECT_EQ(tokenizer.decode(pieces), text);
    for (const Token piece : pieces) {
      EXPECT_GT(piece, Tokenizer::end) << "special pieces never come from text, bytes stand in for unknown characters";
      EXPECT_LT(piece, 400u);
    }
  }
  EXPECT_TRUE(tokenizer.encode("").empty());
  EXPECT_EQ(tokenizer.decode(std::vector<Token>{}), "");
}

TEST_F(TokenizerTest, DecodesEndAndPaddingToNothingAndRefusesUnknownTokens) {
  const Tokenizer tokenizer(train("a.model"));
  std::vector<Token> pieces = tokenizer.encode("the dog");
  pieces.insert(pieces.end(), {Tokenizer::end, Tokenizer::pad});
  EXPECT_EQ(tokenizer.decode(pieces), "the dog");
  EXPECT_THROW(tokenizer.decode(std::vector<Token>{400}), Error);
}

TEST_F(TokenizerTest, TrainsTheSameBytesFromTheSameText) {
  EXPECT_EQ(bytes_of(train("a.model")), bytes_of(train("b.model")));
}

TEST_F(TokenizerTest, SaysWhichVocabularyATextAllows) {
  EXPECT_NE(training_error(sentences(), 100000).find("value <= "), std::string::npos);
  EXPECT_NE(training_error(sentences(), 265).find("265 vs "), std::string::npos);
  EXPECT_NE(training_error(sentences(), 0).find("261 at least"), std::string::npos);
}

TEST_F(TokenizerTest, RefusesTextWithNothingInIt) {
  EXPECT_NE(training_error({}, 400).find("no text"), std::string::npos);
  EXPECT_NE(training_error({"", " ", "\x01"}, 400).find("no text"), std::string::npos);
}

TEST_F(TokenizerTest, RefusesFilesThatAreNoModel) {
  EXPECT_THROW(Tokenizer(folder_ / "none.model"), Error);
  std::ofstream(folder_ / "text.model") << "no model at all\n";
  EXPECT_THROW(Tokenizer(folder_ / "text.model"), Error);
}

}  // namespace
}  // namespace rest
