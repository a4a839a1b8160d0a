#include <gtest/gtest.h>

#include <cstring>
#include <iostream>
#include <string>

#include "fault_bodies.hpp"
#include "rest/core/error.hpp"
#include "world.hpp"

namespace {

const rest::Communicator* the_world = nullptr;

/// Brings the failures of every rank to rank 0, where they become failures of the test, labelled with their rank.
class GatherFailures : public testing::EmptyTestEventListener {
  void OnTestPartResult(const testing::TestPartResult& result) override {
    if (!result.failed()) return;
    failures_ += rest::concat(result.file_name() ? result.file_name() : "unknown file", ":", result.line_number(), ": ",
                              result.message(), "\n");
  }

  void OnTestEnd(const testing::TestInfo&) override {
    const auto all = rest::all_gather(world(), failures_);
    for (std::size_t rank = 1; world().is_root() && rank < all.size(); ++rank) {
      if (!all[rank].empty()) ADD_FAILURE() << "on rank " << rank << ":\n" << all[rank];
    }
    failures_.clear();
  }

  std::string failures_;
};

int run_tests(const rest::MpiSession& session) {
  the_world = &session.world();
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  if (!world().is_root()) delete listeners.Release(listeners.default_result_printer());
  listeners.Append(new GatherFailures);
  // An exception on one rank would leave the others in a collective: it ends them all instead.
  testing::GTEST_FLAG(catch_exceptions) = false;
  try {
    return rest::any(world(), RUN_ALL_TESTS() != 0) ? 1 : 0;
  } catch (const std::exception& problem) {
    std::cerr << "rank " << world().rank() << ": " << problem.what() << std::endl;
    session.abort(1);
  }
}

}  // namespace

const rest::Communicator& world() { return *the_world; }

int main(int argc, char** argv) {
  if (argc > 1 && std::strncmp(argv[1], "--fault=", 8) == 0) return run_fault_body(argc, argv);
  const rest::MpiSession session(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return run_tests(session);
}
