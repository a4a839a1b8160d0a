#include <CLI/CLI.hpp>

#include "apps/work_session.hpp"
#include "rest/core/child_process.hpp"
#include "rest/core/signals.hpp"
#include "rest/reward/score_step.hpp"

namespace {

int body(const rest::Communicator& world, int argc, char** argv) {
  std::int64_t grow_step = 1;
  std::string reward, device = "cpu";
  const auto command = rest::read_command_line(
      world, argc, argv,
      {"rest_score", "Writes a reward column for the candidates of a Grow step.",
       "mpirun -n 2 rest_score data/experiments/synthetic.toml --run run/synthetic --reward chrf"},
      [&](CLI::App& app) {
        rest::add_device_option(app, device);
        app.add_option("--grow-step", grow_step, "Grow step to score [1]")->check(CLI::Range(1, 1000));
        app.add_option("--reward", reward, "Reward to write [reward.name of the experiment]");
      });
  if (!command) return rest::exit_success;
  const torch::Device chosen = rest::choose_device(world, device);
  const auto model = rest::make_reward(command->experiment.reward, command->run, chosen, reward);
  const rest::WorkSession work(world, *command, rest::score_work(grow_step, model->name()));
  return rest::run_score_step(world, work.run(), grow_step, *model);
}

}  // namespace

int main(int argc, char** argv) {
  rest::install_stop_signals();
  rest::start_spawner();  // for rewards that are programs
  return rest::run_main(argc, argv, body);
}
