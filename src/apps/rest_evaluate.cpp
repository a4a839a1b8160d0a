#include <CLI/CLI.hpp>

#include "apps/work_session.hpp"
#include "rest/core/child_process.hpp"
#include "rest/core/signals.hpp"
#include "rest/eval/best_of_n.hpp"
#include "rest/eval/evaluate_policy.hpp"

namespace {

int body(const rest::Communicator& world, int argc, char** argv) {
  rest::EvaluationRequest request;
  std::string best_of, device = "cpu";
  const auto command = rest::read_command_line(
      world, argc, argv,
      {"rest_evaluate",
       "Evaluates a policy of the run on the report half of validation or on the test set: mean reward of sampled and "
       "greedy output, BLEU, chrF, length ratio, distinct-n, KL to g0-i0; on request Best-of-N, minimum Bayes risk and "
       "beam search. As tables and as JSON in metrics/.",
       "rest_evaluate data/experiments/synthetic.toml --run run/synthetic --policy bc/g1-i2 --compare g0-i0"},
      [&](CLI::App& app) {
        rest::add_device_option(app, device);
        app.add_option("--policy", request.policy, "Policy: g0-i0 or VARIANT/gG-iI")->capture_default_str();
        app.add_option("--corpus", request.corpus, "Corpus to evaluate on")
            ->check(CLI::IsMember({"valid", "test"}))
            ->capture_default_str();
        app.add_option("--compare", request.compare,
                       "Policy for a paired bootstrap, evaluated before on the same corpus");
        app.add_option("--temperature", request.temperature, "Of the sampled output, instead of evaluate.temperature")
            ->check(CLI::NonNegativeNumber);
        rest::DecodingRequest& decoding = request.decoding;
        app.add_option("--best-of", best_of,
                       "Best-of-N for a list of N up to 200, as 1,2,5,10: what to expect exactly");
        app.add_flag("--mbr", decoding.mbr,
                     "Minimum Bayes risk by chrF over the samples of --best-of, else evaluate.samples");
        auto* const beam = app.add_option("--beam", decoding.beam, "Beam search with so many hypotheses");
        beam->check(CLI::PositiveNumber);
        app.add_option("--length-penalty", decoding.length_penalty, "Of it: score = log-probability / length^this")
            ->check(CLI::NonNegativeNumber)
            ->capture_default_str()
            ->needs(beam);
      });
  if (!command) return rest::exit_success;
  if (!best_of.empty()) request.decoding.best_of = rest::parse_best_of(best_of, rest::largest_best_of);
  request.device = rest::choose_device(world, device);
  const rest::WorkSession work(world, *command,
                               rest::evaluate_work(rest::metrics_file(command->run, request, request.policy)));
  rest::evaluate_policy(world, command->experiment, work.run(), request);
  return rest::exit_success;
}

}  // namespace

int main(int argc, char** argv) {
  rest::install_stop_signals();
  rest::start_spawner();  // for rewards that are programs
  return rest::run_main(argc, argv, body);
}
