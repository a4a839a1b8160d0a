#include "rest/comm/communicator.hpp"

#include <gtest/gtest.h>

namespace rest {
namespace {

TEST(SerialCommunicator, IsRankZeroOfOneWithoutMpi) {
  const Communicator serial;
  EXPECT_EQ(serial.rank(), 0);
  EXPECT_EQ(serial.size(), 1);
  EXPECT_TRUE(serial.is_root());
  EXPECT_EQ(serial.handle(), nullptr);
  EXPECT_EQ(split_by_host(serial).size(), 1);
}

TEST(SerialCommunicator, GivesBackWhatItIsGiven) {
  const Communicator serial;
  barrier(serial);
  EXPECT_TRUE(any(serial, true));
  EXPECT_FALSE(any(serial, false));
  EXPECT_EQ(sum(serial, std::int64_t{-7}), -7);
  EXPECT_EQ(broadcast(serial, std::string("a\0b", 3)), std::string("a\0b", 3));
  EXPECT_EQ(all_gather(serial, std::string("text")), std::vector<std::string>{"text"});
  const std::vector<double> values{1.5, -2.0};
  EXPECT_EQ(all_gather(serial, Span<const double>(values)), values);
}

}  // namespace
}  // namespace rest
