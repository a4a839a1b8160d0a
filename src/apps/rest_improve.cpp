#include <CLI/CLI.hpp>

#include "apps/work_session.hpp"
#include "rest/core/signals.hpp"
#include "rest/improve/improve_step.hpp"

namespace {

int body(const rest::Communicator& world, int argc, char** argv) {
  rest::ImproveRequest request;
  const auto command = rest::read_command_line(
      world, argc, argv,
      {"rest_improve",
       "Runs the Improve steps of a Grow step: i0 on all of D_g, i1 ... iI on what passes the rising thresholds. A "
       "step "
       "made moot by an earlier one that did not raise the reward is left out (exit 0). Goes on where it stopped.",
       "mpirun -n 2 --bind-to core rest_improve data/experiments/synthetic.toml --run run/synthetic --step 1"},
      [&](CLI::App& app) {
        app.add_option("--grow-step", request.grow_step, "Grow step to improve on")
            ->check(CLI::PositiveNumber)
            ->capture_default_str();
        app.add_option("--variant", request.variant, "Name under improve/ for this choice of options")
            ->capture_default_str();
        app.add_option("--step", request.only_step, "Only this Improve step (0: all of D_g)");
      });
  if (!command) return rest::exit_success;
  const rest::WorkSession work(world, *command, rest::improve_work(request.variant, request.grow_step));
  return rest::run_improve(world, command->experiment, work.run(), request);
}

}  // namespace

int main(int argc, char** argv) {
  rest::install_stop_signals();
  return rest::run_main(argc, argv, body);
}
