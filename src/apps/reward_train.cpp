#include <CLI/CLI.hpp>

#include "apps/reward_commands.hpp"
#include "apps/work_session.hpp"
#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"
#include "rest/core/variant_name.hpp"
#include "rest/reward/reward.hpp"
#include "rest/reward/train_reward.hpp"

namespace rest {

int train_reward_command(const Communicator& world, int argc, char** argv) {
  std::string name = "learned", device = "cpu";
  const auto command = read_command_line(
      world, argc, argv,
      {"rest_reward train",
       "Learns a reference-free reward from rated translations, data-parallel over the ranks. Goes on from its last "
       "checkpoint when started again.",
       "mpirun -n 2 rest_reward train data/experiments/synthetic.toml --run run/synthetic --name learned --set "
       "'reward_model.ratings=[\"run/synthetic/ratings/chrf.tsv\"]'"},
      [&](CLI::App& app) {
        add_device_option(app, device);
        app.add_option("--name", name, "Name of the reward, for reward.name and --reward")->capture_default_str();
      });
  if (!command) return exit_success;
  require_name("reward", name);
  if (make_built_in_reward(name)) throw UsageError("the reward \"" + name + "\" is built in", "", "give another name");
  const torch::Device chosen = choose_device(world, device);
  const WorkSession work(world, *command, {"reward-" + name, ""});
  return run_reward_training(world, command->experiment, work.run(), name, chosen);
}

}  // namespace rest
