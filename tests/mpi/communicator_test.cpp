#include "rest/comm/communicator.hpp"

#include <gtest/gtest.h>

#include "world.hpp"

namespace rest {
namespace {

std::string bytes_of(int rank, std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + static_cast<std::size_t>(rank) * 7);
  return bytes;
}

TEST(MpiCommunicator, IsSerialOnOneRankAlone) { EXPECT_EQ(world().handle() == nullptr, world().size() == 1); }

TEST(MpiCommunicator, AnyIsTrueOnAllRanksIfTrueOnOne) {
  for (int rank = 0; rank < world().size(); ++rank) EXPECT_TRUE(any(world(), world().rank() == rank));
  EXPECT_FALSE(any(world(), false));
}

TEST(MpiCommunicator, SumAddsPastThirtyTwoBits) {
  const std::int64_t big = std::int64_t{1} << 40;
  const std::int64_t size = world().size();
  EXPECT_EQ(sum(world(), big + world().rank()), big * size + size * (size - 1) / 2);
}

TEST(MpiCommunicator, BroadcastGivesRankZerosBytesWhateverTheOthersHold) {
  const std::string own = bytes_of(world().rank(), static_cast<std::size_t>(world().rank() * 100 + 5));
  EXPECT_EQ(broadcast(world(), own), bytes_of(0, 5));
  EXPECT_EQ(broadcast(world(), world().is_root() ? "" : "other"), "");
}

TEST(MpiCommunicator, AllGatherOfBytesKeepsRankOrderAndEmptyParts) {
  const auto parts = all_gather(world(), bytes_of(world().rank(), static_cast<std::size_t>(world().rank()) * 3));
  ASSERT_EQ(parts.size(), static_cast<std::size_t>(world().size()));
  for (int rank = 0; rank < world().size(); ++rank) {
    EXPECT_EQ(parts[static_cast<std::size_t>(rank)], bytes_of(rank, static_cast<std::size_t>(rank) * 3));
  }
}

TEST(MpiCommunicator, AllGatherOfDoublesTakesUnequalCounts) {
  std::vector<double> own, expected;
  for (int rank = 0; rank < world().size(); ++rank) {
    for (int i = 0; i < (rank + 1) % 3; ++i) {
      expected.push_back(rank + 0.25 * i);
      if (rank == world().rank()) own.push_back(rank + 0.25 * i);
    }
  }
  EXPECT_EQ(all_gather(world(), Span<const double>(own)), expected);
}

// Above 64 MiB messages go in pieces.
TEST(MpiCommunicator, MovesMoreThanOnePiece) {
  const std::size_t large = (std::size_t{1} << 26) + 12345;
  const int last = world().size() - 1;
  EXPECT_TRUE(broadcast(world(), world().is_root() ? bytes_of(0, large) : "") == bytes_of(0, large));
  const auto parts = all_gather(world(), world().rank() == last ? bytes_of(last, large) : bytes_of(world().rank(), 3));
  for (int rank = 0; rank <= last; ++rank) {
    EXPECT_TRUE(parts[static_cast<std::size_t>(rank)] == bytes_of(rank, rank == last ? large : 3)) << "part " << rank;
  }
}

TEST(MpiCommunicator, RanksOfOneHostFindEachOther) {
  const Communicator host = split_by_host(world());
  EXPECT_EQ(host.size(), world().size()) << "this test runs on one host";
  EXPECT_EQ(host.rank(), world().rank());
  EXPECT_EQ(sum(host, 1), host.size());
}

}  // namespace
}  // namespace rest
