#include "rest/inspect/activity.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "unit/inspect/run_fixture.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

/// A lock as a working program holds it.
class Held {
 public:
  explicit Held(const fs::path& file, int operation = LOCK_EX) {
    fs::create_directories(file.parent_path());
    descriptor_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (flock(descriptor_, operation | LOCK_NB) != 0) throw Error("cannot lock " + file.string());
  }
  ~Held() { close(descriptor_); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  int descriptor_;
};

class ActivityTest : public RunTest {};

TEST_F(ActivityTest, NothingWorksOnAnEmptyRun) {
  EXPECT_TRUE(find_activities(run()).empty());
  const WholeRunLock lock(run());
}

TEST_F(ActivityTest, TellsRunningFromLeftOver) {
  const Held running(at("locks/train.lock")), silent(at("locks/score-g1-chrf.lock"));
  fs::create_directories(at("locks"));
  put(at("locks/train.json"), R"({"program": "rest_train", "done": 3})");
  put(at("locks/grow-g1.json"), R"({"program": "rest_grow"})");
  put(at("locks/grow-g1.lock"), "");
  put(at("locks/prepare.lock"), "");
  const auto found = find_activities(run());
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].work, "grow-g1");
  EXPECT_FALSE(found[0].running);
  EXPECT_EQ(found[1].work, "score-g1-chrf");
  EXPECT_TRUE(found[1].running);
  EXPECT_TRUE(found[1].status.is_null());
  EXPECT_TRUE(found[2].running);
  EXPECT_EQ(found[2].status.at("done"), 3);
}

TEST_F(ActivityTest, PartsOfAnArrayJobKeepNamesWithDots) {
  const Held whole(at("locks/grow-g1.lock"), LOCK_SH), part(at("locks/grow-g1.part-2-of-8.lock"));
  put(at("locks/grow-g1.part-2-of-8.json"), "{}");
  const auto found = find_activities(run());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].work, "grow-g1.part-2-of-8");
  EXPECT_TRUE(found[0].running);
}

TEST_F(ActivityTest, LooksWithoutWritingOrKeepingALock) {
  fs::create_directories(at("locks"));
  put(at("locks/train.lock"), "");
  find_activities(run());
  EXPECT_EQ(std::distance(fs::directory_iterator(at("locks")), {}), 1);
  const Held mine(at("locks/train.lock"));
}

TEST_F(ActivityTest, WholeRunLockIsRefusedWhileAProgramWorksAndKeepsOthersOut) {
  {
    const Held running(at("locks/grow-g1.lock"), LOCK_SH);
    EXPECT_TRUE(contains(error_of([&] { WholeRunLock lock(run()); }), "grow-g1.lock"));
  }
  {
    const Held local(at("report/.lock"));
    EXPECT_TRUE(contains(error_of([&] { WholeRunLock lock(run()); }), "in use"));
  }
  const WholeRunLock lock(run());
  EXPECT_THROW(Held(at("locks/grow-g1.lock")), Error);
}

}  // namespace
}  // namespace rest
