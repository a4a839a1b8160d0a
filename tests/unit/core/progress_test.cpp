#include "rest/core/progress.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "rest/core/error.hpp"
#include "rest/core/log.hpp"

namespace rest {
namespace {

using namespace std::chrono_literals;

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Standard error on a terminal of its own, 60 columns wide, until it is destroyed.
class Terminal {
 public:
  Terminal() : master_(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)), saved_(dup(STDERR_FILENO)) {
    if (master_ < 0 || grantpt(master_) != 0 || unlockpt(master_) != 0) throw Error("no terminal to be had");
    const int slave = open(ptsname(master_), O_RDWR | O_NOCTTY);
    if (slave < 0) throw Error("no terminal to be had");
    winsize size = {};
    size.ws_col = 60;
    ioctl(slave, TIOCSWINSZ, &size);
    dup2(slave, STDERR_FILENO);
    close(slave);
  }
  ~Terminal() {
    dup2(saved_, STDERR_FILENO);
    close(saved_);
    close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  std::string shown() {
    char block[4096];
    for (ssize_t got; (got = read(master_, block, sizeof block)) > 0;)
      text_.append(block, static_cast<std::size_t>(got));
    return text_;
  }

 private:
  int master_, saved_;
  std::string text_;
};

TEST(Progress, IsSilentWhenAsked) {
  testing::internal::CaptureStderr();
  Progress progress("grow", "sources", 10, Progress::Output::silent);
  progress.update(1);
  progress.finish();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Progress, InAFileOnlyTheLastLineOfShortWorkIsWritten) {
  configure_log("unit_core", 0);
  testing::internal::CaptureStderr();
  {
    Progress progress("grow", "sources", 10);
    for (std::uint64_t i = 0; i <= 10; ++i) progress.update(i);
    progress.finish("all well");
  }
  const std::string shown = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(shown.begin(), shown.end(), '\n'), 1) << shown;
  EXPECT_TRUE(contains(shown, "grow: 10 sources in 0s, ")) << shown;
  EXPECT_TRUE(contains(shown, "sources/s, all well\n")) << shown;
  EXPECT_FALSE(contains(shown, "\r"));
}

TEST(Progress, RateOfResumedWorkCountsFromItsStart) {
  configure_log("unit_core", 0);
  testing::internal::CaptureStderr();
  Progress progress("train", "updates", 1000000);
  progress.update(999000);
  std::this_thread::sleep_for(200ms);
  progress.update(999010);  // 10 in at least 0.2 s: 50 a second or fewer, not millions
  progress.finish();
  const std::string shown = testing::internal::GetCapturedStderr();
  const auto comma = shown.find("s, ");
  ASSERT_NE(comma, std::string::npos) << shown;
  const double rate = std::stod(shown.substr(comma + 3));
  EXPECT_GT(rate, 0.0) << shown;
  EXPECT_LE(rate, 50.0) << shown;
}

TEST(Progress, TheSinkHearsRateAndTimeLeftOfEveryUpdate) {
  testing::internal::CaptureStderr();
  std::vector<ProgressFigures> heard;
  Progress progress("train", "updates", 1000, Progress::Output::enabled,
                    [&](const ProgressFigures& figures) { heard.push_back(figures); });
  progress.update(900);
  std::this_thread::sleep_for(100ms);
  progress.update(910);
  testing::internal::GetCapturedStderr();
  ASSERT_EQ(heard.size(), 2u);
  EXPECT_EQ(heard[0].label, "train");
  EXPECT_EQ(heard[0].unit, "updates");
  EXPECT_EQ(heard[0].done, 900u);
  EXPECT_EQ(heard[0].rate, 0.0);
  EXPECT_LT(heard[0].seconds_left, 0.0);
  EXPECT_EQ(heard[1].done, 910u);
  EXPECT_EQ(heard[1].total, 1000u);
  EXPECT_LE(heard[1].rate, 100.0);
  EXPECT_NEAR(heard[1].seconds_left, 90.0 / heard[1].rate, 1e-9);
}

TEST(Progress, InAFileTheFirstRateIsToldSoon) {
  configure_log("unit_core", 0);
  testing::internal::CaptureStderr();
  Progress progress("grow", "sources", 1000);
  progress.update(0);
  std::this_thread::sleep_for(5100ms);
  progress.update(50);
  progress.update(51);
  const std::string shown = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(shown.begin(), shown.end(), '\n'), 1) << shown;
  EXPECT_TRUE(contains(shown, "grow: 50 of 1000 sources (5.00 %), ")) << shown;
  EXPECT_TRUE(contains(shown, " left")) << shown;
}

TEST(Progress, BarOnATerminalIsRedrawnAtMostFiveTimesASecond) {
  configure_log("unit_core", 0);
  Terminal terminal;
  const auto start = std::chrono::steady_clock::now();
  {
    Progress progress("grow", "sources", 100);
    for (std::uint64_t i = 0; i < 50; ++i) {
      progress.update(i);
      std::this_thread::sleep_for(10ms);
    }
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::string shown = terminal.shown();
  const auto bars = std::count(shown.begin(), shown.end(), '[') - std::count(shown.begin(), shown.end(), '\033');
  EXPECT_GE(bars, 1) << shown;
  EXPECT_LE(static_cast<double>(bars), 5.0 * seconds) << shown;
  EXPECT_TRUE(contains(shown, "grow: ")) << shown;
}

TEST(Progress, BarKeepsWithinTheTerminalWhateverItIsTold) {
  configure_log("unit_core", 0);
  Terminal terminal;
  for (const std::uint64_t total : {std::uint64_t{0}, std::uint64_t{10}}) {
    Progress progress("a label", "units", total);
    progress.update(5);
    std::this_thread::sleep_for(210ms);
    progress.update(25, std::string(200, 'x'));  // beyond the total
    progress.update(1);                          // and back
    std::this_thread::sleep_for(210ms);
    progress.update(2);
  }
  const std::string shown = terminal.shown();
  EXPECT_TRUE(contains(shown, "[########################] a label")) << shown;
  for (std::size_t at = shown.find("\033[K"); at != std::string::npos; at = shown.find("\033[K", at + 1)) {
    const std::size_t end = shown.find_first_of("\r\n", at + 3);
    EXPECT_LE(std::min(end, shown.size()) - (at + 3), 59u) << shown;
  }
}

}  // namespace
}  // namespace rest
