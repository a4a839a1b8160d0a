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
  LabelOptions labelled;
  const auto command = read_command_line(
      world, argc, argv,
      {"rest_reward train",
       "Learns a reference-free reward from rated translations, data-parallel over the ranks: those of "
       "reward_model.ratings or, with --corpus or --bitext, candidates of a policy that are labelled first. Goes on "
       "from "
       "its last checkpoint when started again.",
       "mpirun -n 2 rest_reward train data/experiments/synthetic.toml --run run/synthetic --corpus valid"},
      [&](CLI::App& app) {
        add_device_option(app, device);
        add_label_options(app, labelled);
        app.add_option("--name", name, "Name of the reward, for reward.name and --reward")->capture_default_str();
      });
  if (!command) return exit_success;
  require_name("reward", name);
  if (make_built_in_reward(name)) throw UsageError("the reward \"" + name + "\" is built in", "", "give another name");
  const torch::Device chosen = choose_device(world, device);
  const WorkSession work(world, *command, {"reward-" + name, ""});
  Experiment experiment = command->experiment;
  if (!labelled.corpus.empty() || !labelled.bitext.empty()) {
    labelled.request.name = name;
    labelled.request.device = chosen;
    label(world, experiment, work.run(), labelled);
    experiment.reward_model.ratings = {work.run().ratings(name).string()};
    experiment.reward_model.normalise = "none";
  }
  return run_reward_training(world, experiment, work.run(), name, chosen);
}

}  // namespace rest
