#include <CLI/CLI.hpp>

#include "apps/work_session.hpp"
#include "rest/core/signals.hpp"
#include "rest/grow/grow_step.hpp"
#include "rest/improve/improve_step.hpp"

namespace {

int body(const rest::Communicator& world, int argc, char** argv) {
  std::int64_t grow_step = 1;
  std::string policy, variant = "bc";
  const auto command = rest::read_command_line(
      world, argc, argv,
      {"rest_grow",
       "Samples grow.samples candidates of every training source from a policy (section [grow]) into grow/g<step>. "
       "Started again, it samples the shards that are not there yet.",
       "mpirun -n 2 --bind-to core rest_grow data/experiments/synthetic.toml --run run/synthetic"},
      [&](CLI::App& app) {
        app.add_option("--grow-step", grow_step, "Which Grow step")->check(CLI::PositiveNumber)->capture_default_str();
        app.add_option("--policy", policy, "Policy to sample from [g0-i0, later the best of the step before]");
        app.add_option("--variant", variant, "Improve variant whose best policy a later Grow step samples from")
            ->capture_default_str();
      });
  if (!command) return rest::exit_success;
  const rest::WorkSession work(world, *command, rest::grow_work(grow_step));
  if (policy.empty()) policy = rest::policy_to_grow_from(command->run, variant, grow_step);
  return rest::run_grow_step(world, command->experiment, work.run(), grow_step, command->run.policy(policy));
}

}  // namespace

int main(int argc, char** argv) {
  rest::install_stop_signals();
  return rest::run_main(argc, argv, body);
}
