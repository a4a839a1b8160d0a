#include "rest/core/child_process.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>

#include "rest/core/error.hpp"

namespace rest {
namespace {

using namespace std::chrono_literals;
using Outcome = ChildProcess::Outcome;

class ChildProcessTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { start_spawner(); }
};

/// Whether a process runs, soon at the latest not.
bool has_ended(pid_t pid) {
  for (int i = 0; i < 300; ++i, usleep(10000)) {
    if (kill(pid, 0) != 0) return true;
  }
  return false;
}

TEST_F(ChildProcessTest, AnswersLineByLine) {
  ChildProcess process("echo ready; while read -r line; do echo \"got $line\"; done");
  EXPECT_EQ(process.read_line(10s).text, "ready");
  for (const std::string word : {"a", "b c", ""}) {
    const auto answer = process.ask(word, 10s);
    EXPECT_EQ(answer.outcome, Outcome::line);
    EXPECT_EQ(answer.text, "got " + word);
  }
}

TEST_F(ChildProcessTest, LinesMayBeLongerThanAnyBuffer) {
  ChildProcess process("cat");
  const std::string line(3 << 20, 'x');
  EXPECT_EQ(process.ask(line, 30s).text, line);
}

TEST_F(ChildProcessTest, SaysHowItEnded) {
  ChildProcess code("exit 3"), signal("kill -9 $$"), unknown("no_such_program_here 2>/dev/null");
  EXPECT_EQ(code.read_line(10s).text, "it ended with exit code 3");
  EXPECT_EQ(signal.ask("x", 10s).text, "it was ended by signal 9");
  EXPECT_EQ(unknown.read_line(10s).text, "it ended with exit code 127");
  EXPECT_EQ(unknown.read_line(10s).outcome, Outcome::ended);
}

TEST_F(ChildProcessTest, IsEndedWithAllItStartedWhenItIsSilentForTooLong) {
  ChildProcess process("echo $$; sleep 1000 & echo $!; wait");
  const pid_t shell = std::stoi(process.read_line(10s).text), sleeper = std::stoi(process.read_line(10s).text);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(process.read_line(0.2s).outcome, Outcome::timed_out);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_TRUE(has_ended(shell));
  EXPECT_TRUE(has_ended(sleeper));
}

TEST_F(ChildProcessTest, EndsWithItsInput) {
  pid_t pid = 0;
  {
    ChildProcess process("echo $$; cat >/dev/null");
    pid = std::stoi(process.read_line(10s).text);
  }
  EXPECT_TRUE(has_ended(pid));
}

TEST_F(ChildProcessTest, RefusesWhatIsNoCommand) { EXPECT_THROW(ChildProcess(""), Error); }

/// The other program sees its input end even while we have a third one.
TEST_F(ChildProcessTest, SeveralDoNotHoldEachOther) {
  auto first = std::make_unique<ChildProcess>("echo $$; cat >/dev/null");
  const pid_t pid = std::stoi(first->read_line(10s).text);
  ChildProcess second("cat");
  first.reset();
  EXPECT_TRUE(has_ended(pid));
  EXPECT_EQ(second.ask("still", 10s).text, "still");
}

}  // namespace
}  // namespace rest
