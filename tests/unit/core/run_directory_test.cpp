#include "rest/core/run_directory.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"
#include "support/temporary_directory.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

class RunDirectoryPolicies : public ::testing::Test {
 protected:
  void make_policy(const fs::path& directory) {
    commit_file(directory / "model.safetensors", make_lineage("policy", {}, {}),
                [](const fs::path& file) { std::ofstream(file) << "weights"; });
  }
  std::string message_of(const std::string& name) {
    try {
      run_.policy(name);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "no error";
  }

  TemporaryDirectory folder_;
  const RunDirectory run_{folder_ / "run"};
};

TEST_F(RunDirectoryPolicies, AreFoundByNameAndByPath) {
  make_policy(run_.initial_policy());
  make_policy(run_.improve("mine", 1, 2));
  make_policy(folder_ / "elsewhere");
  EXPECT_EQ(run_.policy("g0-i0"), run_.initial_policy());
  EXPECT_EQ(run_.policy("mine/g1-i2"), run_.improve("mine", 1, 2));
  EXPECT_EQ(run_.policy((folder_ / "elsewhere").string()), folder_ / "elsewhere");
}

TEST_F(RunDirectoryPolicies, OneThatIsNotThereIsRefusedWithThoseThatAre) {
  make_policy(run_.initial_policy());
  make_policy(run_.improve("b", 1, 0));
  make_policy(run_.improve("a", 1, 1));
  fs::create_directories(run_.improve("a", 1, 2));  // unfinished
  const std::string message = message_of("g9-i9");
  EXPECT_NE(message.find("policy \"g9-i9\""), std::string::npos) << message;
  EXPECT_NE(message.find("it has g0-i0, a/g1-i1, b/g1-i0)"), std::string::npos) << message;
}

TEST_F(RunDirectoryPolicies, OneWithoutItsRecordOrBytesIsNone) {
  make_policy(run_.initial_policy());
  fs::resize_file(run_.initial_policy() / "model.safetensors", 3);
  EXPECT_NE(message_of("g0-i0").find("the run has no complete policy"), std::string::npos);
  make_policy(run_.initial_policy());
  fs::remove(run_.initial_policy() / "model.safetensors.commit.json");
  EXPECT_NE(message_of("g0-i0").find("the run has no complete policy"), std::string::npos);
}

TEST_F(RunDirectoryPolicies, StrangeNamesAreRefused) {
  for (const std::string& name : {std::string(), std::string("../x"), std::string(5000, 'x'), std::string("/")}) {
    EXPECT_NE(message_of(name).find("the run has no complete policy"), std::string::npos) << name.substr(0, 20);
  }
}

}  // namespace
}  // namespace rest
