#include "rest/comm/build_info.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace rest {
namespace {

TEST(BuildInfo, NamesRevisionAndLibraries) {
  const nlohmann::json info = build_info();
  for (const char* key : {"version", "revision", "compiler", "mpi", "hdf5", "libtorch", "sentencepiece"}) {
    ASSERT_TRUE(info.contains(key)) << key;
    EXPECT_FALSE(info[key].get<std::string>().empty()) << key;
  }
  EXPECT_TRUE(std::regex_search(info["hdf5"].get<std::string>(), std::regex(R"(^\d+\.\d+)"))) << info;
}

TEST(MachineInfo, NamesHostDateAndInstructionSet) {
  const nlohmann::json info = machine_info();
  EXPECT_FALSE(info.at("host").get<std::string>().empty());
  EXPECT_TRUE(std::regex_match(info.at("date").get<std::string>(), std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")));
  const std::string isa = info.at("instruction_set");
  EXPECT_TRUE(isa == "avx512-bf16" || isa == "avx512" || isa == "avx2" || isa == "x86-64" || isa == "generic") << isa;
}

}  // namespace
}  // namespace rest
