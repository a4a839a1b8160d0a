#include "rest/core/committed.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "rest/core/error.hpp"
#include "support/temporary_directory.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

void put(const fs::path& file, const std::string& text) { std::ofstream(file, std::ios::binary) << text; }
std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
auto writer(const std::string& text) {
  return [text](const fs::path& file) { put(file, text); };
}
Lineage version(int number) { return make_lineage("test", {}, {{"version", number}}); }

template <class Work>
std::string message_of(Work work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class Committed : public ::testing::Test {
 protected:
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_.path())) found.push_back(entry.path().filename().string());
    std::sort(found.begin(), found.end());
    return found;
  }
  using Names = std::vector<std::string>;

  TemporaryDirectory folder_;
  const fs::path file_ = folder_ / "a.bin", record_ = folder_ / "a.bin.commit.json";
};

TEST_F(Committed, FileIsThereWithItsRecord) {
  commit_file(file_, version(1), writer("hello"), {}, {{"ranks", 2}});
  EXPECT_EQ(names(), (Names{"a.bin", "a.bin.commit.json"}));
  EXPECT_EQ(text_of(file_), "hello");
  const auto record = find_committed(file_);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->name, "a.bin");
  EXPECT_EQ(record->bytes, 5u);
  EXPECT_EQ(record->sha256, sha256("hello"));
  EXPECT_EQ(record->lineage, version(1));
  EXPECT_EQ(nlohmann::json::parse(text_of(record_)).at("sidecar").at("ranks"), 2);
  EXPECT_EQ(verify_committed(file_, "test").sha256, sha256("hello"));
}

TEST_F(Committed, FoldersAreMadeOnTheWay) {
  commit_file(folder_ / "x/y/z.bin", version(1), writer("1"));
  EXPECT_TRUE(find_committed(folder_ / "x/y/z.bin"));
}

TEST_F(Committed, LineageDecidesWhetherItIsReused) {
  EXPECT_FALSE(is_committed(file_, version(1)));
  commit_file(file_, version(1), writer("hello"));
  EXPECT_TRUE(is_committed(file_, version(1)));
  const std::string message = message_of([&] { is_committed(file_, version(2)); });
  EXPECT_TRUE(contains(message, file_.string())) << message;
  EXPECT_TRUE(contains(message, "options.version is 1 there, 2 asked for")) << message;
  EXPECT_TRUE(contains(message, "another run directory or variant")) << message;
}

TEST_F(Committed, WriteThatThrowsLeavesWhatStoodThere) {
  commit_file(file_, version(1), writer("old"));
  const auto failing = [](const fs::path& file) {
    put(file, "half");
    throw std::logic_error("mine");
  };
  EXPECT_THROW(commit_file(file_, version(2), failing), std::logic_error) << "passed on as it is";
  EXPECT_EQ(names(), (Names{"a.bin", "a.bin.commit.json"}));
  EXPECT_EQ(text_of(file_), "old");
  EXPECT_TRUE(is_committed(file_, version(1)));
}

TEST_F(Committed, VerifyThatThrowsLeavesNothing) {
  const auto wrong = [](const fs::path& file) { throw Error(file.string() + " reads back wrong"); };
  EXPECT_TRUE(contains(message_of([&] { commit_file(file_, version(1), writer("x"), wrong); }), "reads back wrong"));
  EXPECT_EQ(names(), Names{});
}

TEST_F(Committed, VerifySeesWhatWasWritten) {
  std::string seen;
  commit_file(file_, version(1), writer("hello"), [&](const fs::path& file) { seen = text_of(file); });
  EXPECT_EQ(seen, "hello");
}

TEST_F(Committed, WriteThatWritesNothingIsAnError) {
  EXPECT_TRUE(contains(message_of([&] { commit_file(file_, version(1), [](const fs::path&) {}); }),
                       "a.bin.tmp cannot be opened"));
  EXPECT_FALSE(find_committed(file_));
}

TEST_F(Committed, FullDiskAtTheRecordLeavesWhatStoodThere) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  commit_file(file_, version(1), writer("old"));
  fs::create_symlink("/dev/full", folder_ / "a.bin.commit.json.tmp");
  const std::string message = message_of([&] { commit_file(file_, version(2), writer("new")); });
  EXPECT_TRUE(contains(message, "a.bin.commit.json.tmp cannot be written (No space left on device)")) << message;
  EXPECT_TRUE(contains(message, "free some space")) << message;
  EXPECT_EQ(text_of(file_), "old");
  EXPECT_TRUE(is_committed(file_, version(1)));
  EXPECT_EQ(names(), (Names{"a.bin", "a.bin.commit.json"}));
}

TEST_F(Committed, FolderThatCannotBeMadeIsNamed) {
  put(folder_ / "plain", "");
  const std::string message = message_of([&] { commit_file(folder_ / "plain/a.bin", version(1), writer("x")); });
  EXPECT_TRUE(contains(message, "plain cannot be made")) << message;
}

TEST_F(Committed, WhatACrashLeavesBehindIsAbsentAndOverwritten) {
  put(folder_ / "a.bin.tmp", "half of it");             // killed while writing
  put(folder_ / "a.bin.commit.json.tmp", "{\"name\"");  // killed while writing the record
  put(file_, "renamed, no record");                     // killed between the renames
  EXPECT_FALSE(find_committed(file_));
  EXPECT_FALSE(is_committed(file_, version(1)));
  commit_file(file_, version(1), writer("made again"));
  EXPECT_EQ(verify_committed(file_, "test").bytes, 10u);
  EXPECT_EQ(names(), (Names{"a.bin", "a.bin.commit.json"}));
}

TEST_F(Committed, TruncatedOrMissingFileIsAbsent) {
  commit_file(file_, version(1), writer("hello"));
  fs::resize_file(file_, 4);
  EXPECT_FALSE(find_committed(file_));
  EXPECT_TRUE(contains(message_of([&] { verify_committed(file_, "rest_grow"); }), "is not complete (truncated"));
  fs::remove(file_);
  EXPECT_FALSE(find_committed(file_));
  const std::string message = message_of([&] { verify_committed(file_, "rest_grow"); });
  EXPECT_TRUE(contains(message, file_.string() + " is missing; make it with rest_grow")) << message;
}

TEST_F(Committed, DamagedRecordsAreAbsent) {
  commit_file(file_, version(1), writer("hello"));
  const std::string good = text_of(record_);
  for (const std::string& bad : {std::string(), std::string("{"), std::string("[]"), std::string("null"),
                                 std::string("{}"), good.substr(0, good.size() / 2), std::string("\xff\xfe"),
                                 std::string(R"({"name": 1, "bytes": "5", "sha256": 2, "lineage": 3})")}) {
    put(record_, bad);
    EXPECT_FALSE(find_committed(file_)) << bad;
  }
  put(record_, good);
  EXPECT_TRUE(find_committed(file_));
  fs::remove(record_);
  fs::create_directory(record_);
  EXPECT_FALSE(find_committed(file_)) << "a directory in the record's place";
}

TEST_F(Committed, AlteredBytesAreCaughtByVerifying) {
  commit_file(file_, version(1), writer("hello"));
  put(file_, "hellO");
  EXPECT_TRUE(find_committed(file_)) << "the size is right, hashing is not its work";
  const std::string message = message_of([&] { verify_committed(file_, "rest_grow"); });
  EXPECT_TRUE(contains(message, file_.string() + " is damaged")) << message;
  EXPECT_TRUE(contains(message, "rest_grow")) << message;
}

TEST_F(Committed, RemovingTakesRecordAndFile) {
  commit_file(file_, version(1), writer("hello"));
  remove_committed(file_);
  EXPECT_EQ(names(), Names{});
  remove_committed(file_);  // what is not there is removed already
  remove_committed(folder_ / "no/such/folder/x");
}

TEST_F(Committed, DirectoryIsCommittedWithAllThatIsInIt) {
  const fs::path directory = folder_ / "update-7";
  const auto fill = [](const fs::path& to) {
    put(to / "b.bin", "bb");
    put(to / "a.bin", "a");
    fs::create_directory(to / "inner");
    put(to / "inner" / "c.bin", "ccc");
  };
  commit_directory(directory, version(1), fill);
  EXPECT_EQ(names(), (Names{"update-7", "update-7.commit.json"}));
  const CommitRecord record = verify_committed(directory, "test");
  EXPECT_EQ(record.bytes, 6u);
  EXPECT_EQ(record.sha256,
            sha256("a.bin " + sha256("a") + "\nb.bin " + sha256("bb") + "\ninner/c.bin " + sha256("ccc") + "\n"));
  put(directory / "inner/c.bin", "cCc");
  EXPECT_THROW(verify_committed(directory, "test"), Error);
  fs::remove(directory / "inner/c.bin");
  EXPECT_FALSE(find_committed(directory));
}

TEST_F(Committed, DirectoryReplacesLeftoversAndOlderOnes) {
  const fs::path directory = folder_ / "d";
  fs::create_directories(folder_ / "d.tmp/old");
  put(folder_ / "d.tmp/old/file", "left over");
  fs::create_directory(directory);
  put(directory / "uncommitted", "left over");
  for (int i = 1; i <= 2; ++i) {
    commit_directory(directory, version(i), [&](const fs::path& to) {
      EXPECT_TRUE(fs::is_empty(to));
      put(to / std::to_string(i), "x");
    });
    EXPECT_TRUE(is_committed(directory, version(i)));
    EXPECT_EQ(std::distance(fs::directory_iterator(directory), fs::directory_iterator()), 1);
  }
  EXPECT_EQ(names(), (Names{"d", "d.commit.json"}));
}

TEST_F(Committed, DirectoryWhoseWriteThrowsLeavesTheOlderOne) {
  const fs::path directory = folder_ / "d";
  commit_directory(directory, version(1), [](const fs::path& to) { put(to / "f", "old"); });
  const auto failing = [](const fs::path& to) {
    put(to / "f", "new");
    throw std::logic_error("mine");
  };
  EXPECT_THROW(commit_directory(directory, version(2), failing), std::logic_error);
  EXPECT_TRUE(is_committed(directory, version(1)));
  EXPECT_EQ(names(), (Names{"d", "d.commit.json"}));
}

// The promise itself: whenever the process dies, what counts as committed has the bytes of its lineage.
TEST_F(Committed, KilledAtAnyMomentNothingHalfDoneCounts) {
  const auto content = [](int number) {
    return "content of version " + std::to_string(number % 10);
  };  // one size for all
  int absent = 0;
  for (int kills = 0; kills < 20; ++kills) {
    int started[2];
    ASSERT_EQ(pipe(started), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (int i = 0;; ++i) {
        commit_file(file_, version(i % 10), writer(content(i)));
        if (i == 0 && write(started[1], "x", 1) != 1) _exit(1);
      }
    }
    char byte = 0;
    ASSERT_EQ(read(started[0], &byte, 1), 1);
    usleep(static_cast<useconds_t>(531 * kills % 4000));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(started[0]);
    close(started[1]);
    const auto record = find_committed(file_);
    if (!record) {
      ++absent;
      continue;
    }
    const int number = record->lineage["options"]["version"];
    ASSERT_EQ(text_of(file_), content(number));
    ASSERT_EQ(verify_committed(file_, "test").sha256, sha256(content(number)));
  }
  EXPECT_LT(absent, 20);
  commit_file(file_, version(1), writer("after all kills"));
  EXPECT_EQ(names(), (Names{"a.bin", "a.bin.commit.json"}));
}

}  // namespace
}  // namespace rest
