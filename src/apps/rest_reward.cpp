#include <iostream>

#include "apps/reward_commands.hpp"
#include "rest/comm/version_text.hpp"
#include "rest/core/child_process.hpp"
#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"

namespace {

/// The word behind the program's name says what to do; what follows is its own command line.
int body(const rest::Communicator& world, int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "check") return rest::check_command(world, argc - 1, argv + 1);
  if (what == "correlate") return rest::correlate_command(world, argc - 1, argv + 1);
  if (what == "label") return rest::label_command(world, argc - 1, argv + 1);
  if (what == "train") return rest::train_reward_command(world, argc - 1, argv + 1);
  const char* const usage =
      "usage: rest_reward label|train|check|correlate EXPERIMENT [OPTION...]\n"
      "  label      rates a policy's candidates by a reference, to learn from\n"
      "  train      learns a reference-free reward from rated translations\n"
      "  check      spoils good translations in known ways and tells how often the reward falls\n"
      "  correlate  compares the reward with human ratings\n"
      "rest_reward check --help and the like show the options\n";
  if (what == "--help" || what == "-h" || what == "--version") {
    if (world.is_root()) std::cout << (what == "--version" ? rest::version_text("rest_reward") : usage) << std::flush;
    return rest::exit_success;
  }
  throw rest::UsageError(what.empty() ? "rest_reward was not told what to do" : "rest_reward cannot \"" + what + "\"",
                         "", "rest_reward --help shows what it can");
}

}  // namespace

int main(int argc, char** argv) {
  rest::install_stop_signals();
  rest::start_spawner();  // for rewards that are programs
  return rest::run_main(argc, argv, body);
}
