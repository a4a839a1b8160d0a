#include <CLI/CLI.hpp>

#include "apps/work_session.hpp"
#include "rest/core/signals.hpp"
#include "rest/train/behaviour_cloning.hpp"

namespace {

int body(const rest::Communicator& world, int argc, char** argv) {
  std::string device = "cpu";
  const auto command = rest::read_command_line(
      world, argc, argv,
      {"rest_train",
       "Trains policy g0-i0 on the bitext by behaviour cloning, data-parallel over the ranks. Goes on from its last "
       "checkpoint when started again.",
       "mpirun -n 2 --bind-to core rest_train data/experiments/synthetic.toml --run run/synthetic"},
      [&](CLI::App& app) { rest::add_device_option(app, device); });
  if (!command) return rest::exit_success;
  const torch::Device chosen = rest::choose_device(world, device);
  const rest::WorkSession work(world, *command, {"train", ""});
  return rest::run_behaviour_cloning(world, command->experiment, work.run(), chosen);
}

}  // namespace

int main(int argc, char** argv) {
  rest::install_stop_signals();
  return rest::run_main(argc, argv, body);
}
