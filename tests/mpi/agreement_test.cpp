#include "rest/comm/agreement.hpp"

#include <gtest/gtest.h>

#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"
#include "world.hpp"

namespace rest {
namespace {

template <class Problem>
void throw_it() {
  throw Problem("some words");
}

template <class Problem>
std::string words_of(void (*work)()) {
  try {
    on_root(world(), work);
  } catch (const Problem& problem) {
    return problem.what();
  }
  return "nothing";
}

TEST(MpiAgreement, OnlyRankZeroWorks) {
  int calls = 0;
  on_root(world(), [&] { ++calls; });
  EXPECT_EQ(calls, world().is_root() ? 1 : 0);
}

TEST(MpiAgreement, WhatRankZeroThrowsIsThrownOnAllRanks) {
  EXPECT_EQ(words_of<UsageError>(throw_it<UsageError>), "some words");
  EXPECT_EQ(words_of<Error>(throw_it<std::runtime_error>), "some words");
  EXPECT_THROW(on_root(world(), [] { throw Stopped(); }), Stopped);
}

TEST(MpiAgreement, AStopPointIsPassedWhenNobodyStops) { EXPECT_NO_THROW(stop_point(world())); }

}  // namespace
}  // namespace rest
