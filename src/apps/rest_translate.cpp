#include <CLI/CLI.hpp>
#include <iostream>

#include "apps/command_line.hpp"
#include "rest/core/signals.hpp"
#include "rest/eval/translate.hpp"
#include "rest/grow/grow_step.hpp"
#include "rest/model/policy.hpp"

namespace {

int body(const rest::Communicator& world, int argc, char** argv) {
  std::string policy_name = "g0-i0", device = "cpu";
  double temperature = 0.0;
  std::int64_t samples = 1;
  rest::BeamOptions beam;
  beam.beam = 0;
  const auto command = rest::read_command_line(
      world, argc, argv,
      {"rest_translate",
       "Translates standard input, one sentence a line, to standard output with a policy of the run. Greedy unless a "
       "temperature or a beam is given. Runs on one rank.",
       "echo 'a sentence .' | rest_translate data/experiments/synthetic.toml --run run/synthetic --policy bc/g1-i1"},
      [&](CLI::App& app) {
        rest::add_device_option(app, device);
        app.add_option("--policy", policy_name, "Policy: g0-i0 or VARIANT/gG-iI")->capture_default_str();
        auto* const sampled = app.add_option("--temperature", temperature, "Sample at this temperature; 0: greedy");
        sampled->check(CLI::NonNegativeNumber)->capture_default_str();
        app.add_option("--samples", samples, "Samples a line, when sampling")
            ->check(CLI::PositiveNumber)
            ->capture_default_str();
        auto* const searched = app.add_option("--beam", beam.beam, "Beam search with so many hypotheses");
        searched->check(CLI::PositiveNumber)->excludes(sampled);
        app.add_option("--length-penalty", beam.length_penalty, "Of beam search: score = log-probability / length^this")
            ->check(CLI::NonNegativeNumber)
            ->capture_default_str()
            ->needs(searched);
      });
  if (!command || !world.is_root()) return rest::exit_success;
  const torch::Device chosen = rest::choose_device({}, device);
  rest::GrowOptions sampling = command->experiment.grow;
  sampling.temperature = temperature;
  sampling.samples = samples;
  beam.max_length = sampling.max_length;
  beam.max_rows = sampling.max_rows;
  const rest::Policy policy = rest::load_policy(command->run.policy(policy_name)).to(chosen);
  const rest::Tokenizer tokenizer(command->run.tokenizer());
  rest::require_tokenizer(policy, rest::verify_committed(command->run.tokenizer(), "rest_prepare").sha256,
                          command->run.tokenizer().string());
  const rest::SamplingModel model(policy, sampling.precision);
  const auto decode =
      beam.beam > 0 ? rest::beam_decode(model, beam) : rest::sampling_decode(model, rest::generate_options(sampling));
  rest::translate_lines(decode, tokenizer, std::cin, std::cout);
  return rest::exit_success;
}

}  // namespace

int main(int argc, char** argv) { return rest::run_main(argc, argv, body); }
