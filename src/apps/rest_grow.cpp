#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>

#include "apps/estimate_options.hpp"
#include "apps/work_session.hpp"
#include "rest/core/signals.hpp"
#include "rest/core/variant_name.hpp"
#include "rest/grow/grow_step.hpp"
#include "rest/improve/improve_step.hpp"

namespace {

int body(const rest::Communicator& world, int argc, char** argv) {
  rest::GrowRequest request;
  std::string policy, variant = "bc", device = "cpu";
  std::optional<std::string> part;
  rest::EstimateOptions estimate;
  const auto command = rest::read_command_line(
      world, argc, argv,
      {"rest_grow",
       "Samples grow.samples candidates of every training source from a policy (section [grow]) into grow/g<step>. "
       "Started again, it samples the shards that are not there yet.",
       "mpirun -n 2 --bind-to core rest_grow data/experiments/synthetic.toml --run run/synthetic"},
      [&](CLI::App& app) {
        rest::add_device_option(app, device);
        app.add_option("--grow-step", request.grow_step, "Which Grow step")
            ->check(CLI::PositiveNumber)
            ->capture_default_str();
        app.add_option("--policy", policy, "Policy to sample from [g0-i0, later the best of the step before]");
        app.add_option("--variant", variant, "Improve variant whose best policy a later Grow step samples from")
            ->capture_default_str();
        app.add_option("--part", part,
                       "I/N, I = 0 ... N-1: only this static part of the shards, beside other jobs (a job array) that "
                       "sample the others; start once without it to fill what is missing and write the index");
        estimate.add_to(app);
      });
  if (!command) return rest::exit_success;
  rest::require_name("variant", variant);
  if (part) request.part = rest::GrowPart::parse(*part);
  request.device = rest::choose_device(world, device);
  if (policy.empty()) policy = rest::policy_to_grow_from(command->run, variant, request.grow_step);
  request.policy = command->run.policy(policy);
  at::set_num_threads(command->threads);
  if (const auto asked = estimate.request(command->threads)) {
    return rest::estimate_grow_step(world, command->experiment, command->run, request, *asked);
  }
  const rest::GrowPart own = request.part.value_or(rest::GrowPart{});
  const rest::WorkSession work(world, *command, rest::grow_work(request.grow_step, own.index, own.count));
  return rest::run_grow_step(world, command->experiment, work.run(), request);
}

}  // namespace

int main(int argc, char** argv) {
  rest::install_stop_signals();
  return rest::run_main(argc, argv, body);
}
