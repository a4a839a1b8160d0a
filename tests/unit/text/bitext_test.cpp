#include "rest/text/bitext.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>

#include "support/temporary_directory.hpp"

namespace rest {
namespace {

using Lines = std::vector<std::string>;
using Numbers = std::vector<std::uint64_t>;

class BitextTest : public testing::Test {
 protected:
  std::filesystem::path put(const std::string& name, const std::string& bytes) const {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  std::filesystem::path put_gzip(const std::string& name, const std::string& bytes) const {
    const gzFile out = gzopen((folder_ / name).c_str(), "wb");
    gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(out);
    return folder_ / name;
  }
  template <class Call>
  static std::string error_of(Call&& call) {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  TemporaryDirectory folder_;
};

TEST_F(BitextTest, ReadsLinesWithAnyLineEndAndWithoutByteOrderMark) {
  EXPECT_EQ(read_lines(put("a", "\xEF\xBB\xBFone\r\ntwo\n\nfour")), (Lines{"one", "two", "", "four"}));
  EXPECT_EQ(read_lines(put("b", "")), Lines{});
  EXPECT_EQ(read_lines(put("c", "\n")), Lines{""});
}

TEST_F(BitextTest, ReadsGzip) {
  const std::string text = std::string(300000, 'x') + "\nend\n";
  EXPECT_EQ(read_lines(put_gzip("a.gz", text)), (Lines{std::string(300000, 'x'), "end"}));
}

TEST_F(BitextTest, NamesFilesThatCannotBeRead) {
  EXPECT_NE(error_of([&] { read_lines(folder_ / "none"); }).find("none (No such file"), std::string::npos);
  EXPECT_NE(error_of([&] { read_lines(folder_.path()); }).find("is a directory"), std::string::npos);
}

TEST_F(BitextTest, RefusesDamagedGzip) {
  std::string text;
  for (int i = 0; i < 50000; ++i) text += std::to_string(i * 7919 % 10007) + "\n";
  const std::filesystem::path file = put_gzip("a.gz", text);
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  EXPECT_NE(error_of([&] { read_lines(file); }).find("cannot decompress"), std::string::npos) << "cut short";
  EXPECT_NE(error_of([&] { read_lines(put("b.gz", "plain\n")); }).find("no gzip file"), std::string::npos);

  put_gzip("c.gz", text);
  std::fstream bytes(folder_ / "c.gz", std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(5000);
  bytes.write("\xFF\xFF\xFF\xFF", 4);
  bytes.close();
  EXPECT_NE(error_of([&] { read_lines(folder_ / "c.gz"); }).find("cannot decompress"), std::string::npos) << "altered";
}

TEST_F(BitextTest, DropsBlankAndInvalidLinesByNumber) {
  const Bitext bitext = read_bitext(put("s", "a\n\nc\nd\xFF\ne\nf\n"), put("t", "A\nB\n \u3000\nD\nE\n\xC3\x28\n"));
  EXPECT_EQ(bitext.source, (Lines{"a", "e"}));
  EXPECT_EQ(bitext.target, (Lines{"A", "E"}));
  EXPECT_EQ(bitext.line, (Numbers{1, 5}));
  EXPECT_EQ(bitext.empty_lines, (Numbers{2, 3}));
  EXPECT_EQ(bitext.invalid_lines, (Numbers{4, 6}));
}

TEST_F(BitextTest, RefusesUnequalLineCountsNamingBoth) {
  const std::string message = error_of([&] { read_bitext(put("s", "a\nb\nc\n"), put("t", "A\nB\n")); });
  EXPECT_NE(message.find("s has 3 lines but"), std::string::npos) << message;
  EXPECT_NE(message.find("t has 2"), std::string::npos) << message;
}

TEST(Utf8, KnowsOverlongFormsSurrogatesAndCutCharacters) {
  for (const char* valid : {"", "a", "ü", "日本", "😀", "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF"}) {
    EXPECT_TRUE(is_valid_utf8(valid)) << valid;
  }
  for (const char* invalid : {"\x80", "\xC3", "\xC0\xAF", "\xC1\xBF", "\xE0\x80\xAF", "\xED\xA0\x80",
                              "\xF0\x80\x80\xAF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE6\x97", "a\xFFz"}) {
    EXPECT_FALSE(is_valid_utf8(invalid)) << testing::PrintToString(invalid);
  }
}

}  // namespace
}  // namespace rest
