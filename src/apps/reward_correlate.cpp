#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>

#include "apps/reward_commands.hpp"
#include "rest/comm/agreement.hpp"
#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"
#include "rest/eval/reward_correlation.hpp"

namespace rest {

int correlate_command(const Communicator& world, int argc, char** argv) {
  std::string name, file, device = "cpu";
  double apart = 0.0;
  std::int64_t resamples = 1000;
  const auto command = read_command_line(
      world, argc, argv,
      {"rest_reward correlate", "Tells how a reward goes with what people say of translations.",
       "rest_reward correlate data/experiments/synthetic.toml --run run/synthetic --reward chrf --ratings rated.tsv"},
      [&](CLI::App& app) {
        add_device_option(app, device);
        app.add_option("--reward", name, "Reward to judge [reward.name of the experiment]");
        app.add_option("--ratings", file, "Rated translations: TSV of source, translation, score[, reference]")
            ->required();
        app.add_option("--apart", apart, "Pairs of one source count when rated so far apart or more")
            ->check(CLI::NonNegativeNumber)
            ->capture_default_str();
        app.add_option("--resamples", resamples, "Of the bootstrap")->check(CLI::PositiveNumber)->capture_default_str();
      });
  if (!command) return exit_success;
  at::set_num_threads(command->threads);
  const auto reward = make_reward(command->experiment.reward, command->run, choose_device(world, device), name);
  const Ratings ratings = read_ratings(file);
  const std::vector<double> rewards = rewards_of(world, *reward, ratings);
  stop_point(world);
  if (!world.is_root()) return exit_success;
  const RewardCorrelation result = correlate_reward(ratings, rewards, apart, resamples, /*seed=*/1);
  nlohmann::json json = to_json(result);
  json["reward"] = reward->name();
  json["ratings"] = file;
  std::string table = "rating\treward\n";
  for (std::size_t i = 0; i < rewards.size(); ++i) table += concat(ratings.score[i], '\t', rewards[i], '\n');
  write_report(command->run, "reward_correlation." + reward->name() + ".tsv", table);
  report(command->run, "correlation of " + reward->name() + " with " + file, to_text(result),
         "reward_correlation." + reward->name() + ".json", json);
  return exit_success;
}

}  // namespace rest
