#include "comm/shared_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "world.hpp"

namespace rest {
namespace {

TEST(MpiSharedMemory, IsSeenByAllRanksAndBeginsWithZeros) {
  const Communicator host = split_by_host(world());
  constexpr std::size_t bytes = 100000;
  const auto memory = SharedMemory::of_host(host, bytes);
  ASSERT_TRUE(memory.has_value());
  EXPECT_EQ(std::count(memory->data(), memory->data() + bytes, 0), static_cast<std::ptrdiff_t>(bytes));
  barrier(host);
  memory->data()[host.rank()] = static_cast<char>(host.rank() + 1);
  barrier(host);
  for (int rank = 0; rank < host.size(); ++rank) EXPECT_EQ(memory->data()[rank], rank + 1);
}

}  // namespace
}  // namespace rest
