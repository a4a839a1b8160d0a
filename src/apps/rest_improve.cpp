#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>

#include "apps/work_session.hpp"
#include "rest/core/child_process.hpp"
#include "rest/core/signals.hpp"
#include "rest/core/variant_name.hpp"
#include "rest/improve/improve_step.hpp"
#include "rest/improve/plan.hpp"

namespace {

int body(const rest::Communicator& world, int argc, char** argv) {
  rest::ImproveRequest request;
  std::string device = "cpu";
  bool plan = false;
  const auto command = rest::read_command_line(
      world, argc, argv,
      {"rest_improve",
       "Runs the Improve steps of a Grow step: i0 on all of D_g, i1 ... iI on what passes the filter (improve.filter), "
       "which keeps less from step to step. A step made moot by an earlier one that did not raise the reward is left "
       "out (exit 0). Goes on where it stopped.",
       "mpirun -n 2 --bind-to core rest_improve data/experiments/synthetic.toml --run run/synthetic --step 1"},
      [&](CLI::App& app) {
        rest::add_device_option(app, device);
        app.add_option("--grow-step", request.grow_step, "Grow step to improve on")
            ->check(CLI::PositiveNumber)
            ->capture_default_str();
        app.add_option("--variant", request.variant, "Name under improve/ for this choice of options")
            ->capture_default_str();
        app.add_option("--step", request.only_step, "Only this Improve step (0: all of D_g)");
        app.add_flag("--plan", plan,
                     "Train nothing: show what each step would train on, how many updates and how long that may take, "
                     "and write it to report/plan.VARIANT.gG.json");
      });
  if (!command) return rest::exit_success;
  rest::require_name("variant", request.variant);
  request.device = rest::choose_device(world, device);
  at::set_num_threads(command->threads);
  if (plan) return rest::plan_improve(world, command->experiment, command->run, request);
  const rest::WorkSession work(world, *command, rest::improve_work(request.variant, request.grow_step));
  return rest::run_improve(world, command->experiment, work.run(), request);
}

}  // namespace

int main(int argc, char** argv) {
  rest::install_stop_signals();
  rest::start_spawner();  // for rewards that are programs
  return rest::run_main(argc, argv, body);
}
