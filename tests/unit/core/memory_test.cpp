#include "rest/core/memory.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace rest {
namespace {

TEST(Memory, PeakStaysWhenMemoryIsGivenBack) {
  constexpr std::int64_t size = 256 << 20;
  const std::int64_t before = resident_bytes();
  { const std::vector<char> touched(size, 1); }
  EXPECT_GE(peak_resident_bytes(), before + size * 9 / 10);
  EXPECT_LT(resident_bytes(), before + size / 2);
}

}  // namespace
}  // namespace rest
