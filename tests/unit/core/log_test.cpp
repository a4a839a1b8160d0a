#include "rest/core/log.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <regex>

#include "rest/core/error.hpp"
#include "support/temporary_directory.hpp"

namespace rest {
namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

class Log : public ::testing::Test {
 protected:
  void TearDown() override { configure_log("unit_core", 0); }  // lets go of the files of this test
  TemporaryDirectory folder_;
  const std::filesystem::path file_ = folder_ / "x.log";
};

TEST_F(Log, LinesHaveTimeProgramAndLevel) {
  configure_log("rest_grow", 0, file_);
  testing::internal::CaptureStderr();
  log_info("a {} line %s");
  const std::string shown = testing::internal::GetCapturedStderr();
  const std::regex line(R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d rest_grow: info: a \{\} line %s\n)");
  EXPECT_TRUE(std::regex_match(shown, line)) << shown;
  EXPECT_EQ(text_of(file_), shown);
}

TEST_F(Log, FileIsAppendedTo) {
  for (const char* text : {"first", "second"}) {
    configure_log("rest_grow", 0, file_);
    log_warning(text);
  }
  const std::string text = text_of(file_);
  EXPECT_LT(text.find("warning: first\n"), text.find("warning: second\n"));
  EXPECT_NE(text.find("warning: second\n"), std::string::npos);
}

TEST_F(Log, OtherRanksOnlyWarn) {
  configure_log("rest_grow", 3, file_);
  log_info("quiet");
  log_warning("careful");
  log_error("wrong");
  const std::string text = text_of(file_);
  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("rest_grow rank 3: warning: careful\n"), std::string::npos) << text;
  EXPECT_NE(text.find("rest_grow rank 3: error: wrong\n"), std::string::npos) << text;
}

TEST_F(Log, FileThatCannotBeOpenedIsNamed) {
  std::ofstream(folder_ / "plain") << "";
  try {
    configure_log("rest_grow", 0, folder_ / "plain/x.log");
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("plain/x.log cannot be opened"), std::string::npos) << error.what();
  }
}

using LogDeathTest = Log;

TEST_F(LogDeathTest, ClosedStandardErrorIsAnError) {
  const auto configure_closed = [] {
    close(STDERR_FILENO);
    try {
      configure_log("rest_grow", 0);
    } catch (const Error&) {
      _exit(42);
    }
    _exit(0);
  };
  EXPECT_EXIT(configure_closed(), testing::ExitedWithCode(42), "");
}

TEST(LogBeforeItIsConfiguredDeathTest, GoesToStandardError) {
  EXPECT_EXIT((log_info("an early line"), _exit(0)), testing::ExitedWithCode(0), "info.* an early line");
}

}  // namespace
}  // namespace rest
