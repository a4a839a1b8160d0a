#include "rest/reward/ratings.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "rest/core/error.hpp"

namespace rest {
namespace {

class RatingsTest : public testing::Test {
 protected:
  Ratings read(const std::string& text) {
    std::ofstream(file_) << text;
    return read_ratings(file_);
  }
  /// What reading the text is refused for.
  std::string refusal(const std::string& text) {
    try {
      read(text);
    } catch (const Error& problem) {
      return problem.what();
    }
    return "";
  }
  void TearDown() override { std::filesystem::remove(file_); }

  std::filesystem::path file_ = std::filesystem::temp_directory_path() / ("ratings_test." + std::to_string(getpid()));
};

TEST_F(RatingsTest, ReadsColumnsInOrder) {
  const Ratings ratings = read("a dog\tein Hund\t-0.5\na cat\teine Katze\t1e1\r\n");
  EXPECT_EQ(ratings.source, (std::vector<std::string>{"a dog", "a cat"}));
  EXPECT_EQ(ratings.translation, (std::vector<std::string>{"ein Hund", "eine Katze"}));
  EXPECT_EQ(ratings.score, (std::vector<double>{-0.5, 10.0}));
  EXPECT_TRUE(ratings.reference.empty());
  EXPECT_EQ(read("a\tb\t1\tc\na\tb\t2\td\n").reference, (std::vector<std::string>{"c", "d"}));
}

TEST_F(RatingsTest, RefusesWhatCannotBeMeantAndNamesTheLine) {
  const auto at_line_2 = [&](const std::string& line) { return refusal("a\tb\t1\n" + line + "\na\tb\t2\n"); };
  EXPECT_NE(at_line_2("a\tb").find(file_.string() + ":2 has 2 columns"), std::string::npos);
  EXPECT_NE(at_line_2("a\tb\t1\tc").find(":2 has 4 columns, not 3"), std::string::npos);
  EXPECT_NE(at_line_2("").find(":2 is blank"), std::string::npos);
  EXPECT_NE(at_line_2("a\t \t1").find(":2: column 2 is blank"), std::string::npos);
  EXPECT_NE(at_line_2("\xff\tb\t1").find(":2 is not valid UTF-8"), std::string::npos);
  for (const std::string score : {"nan", "inf", "", "1,5", "good", "1e999"}) {
    EXPECT_NE(at_line_2("a\tb\t" + score).find(":2: the score \"" + score + "\""), std::string::npos) << score;
  }
}

TEST_F(RatingsTest, RefusesWhatTellsNothing) {
  EXPECT_NE(refusal("").find("no lines"), std::string::npos);
  EXPECT_NE(refusal("a\tb\t1\nc\td\t1\n").find("all 2 scores"), std::string::npos);
  EXPECT_THROW(read_ratings("/nonexistent/ratings.tsv"), Error);
}

}  // namespace
}  // namespace rest
