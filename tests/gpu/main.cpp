#include <gtest/gtest.h>

#include "gpu.hpp"
#include "rest/core/error.hpp"
#include "rest/model/device.hpp"

namespace {

// GoogleTest leaves no other way to hand them to the tests.
const rest::Communicator* the_world = nullptr;
torch::Device the_gpu = torch::kCPU;
std::string the_reason;

}  // namespace

const rest::Communicator& world() { return *the_world; }
const torch::Device& gpu() { return the_gpu; }
const std::string& why_no_gpu() { return the_reason; }

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();
  const rest::MpiSession session(argc, argv);
  the_world = &session.world();
  try {
    the_gpu = rest::choose_device(world(), "cuda");
  } catch (const rest::UsageError& problem) {
    the_reason = problem.what();
  }
  // With fewer GPUs than ranks all of them skip, for the same reason.
  return rest::any(world(), RUN_ALL_TESTS() != 0) ? 1 : 0;
}
