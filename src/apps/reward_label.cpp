#include <CLI/CLI.hpp>

#include "apps/reward_commands.hpp"
#include "apps/work_session.hpp"
#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"
#include "rest/core/variant_name.hpp"
#include "rest/store/corpus.hpp"

namespace rest {
namespace {

Bitext bitext_of(const std::filesystem::path& file) {
  const Corpus corpus = read_corpus(file);
  if (!corpus.has_target()) throw Error(file.string() + " has no targets", "", "name others by --bitext");
  Bitext bitext;
  bitext.source = corpus.source.text;
  bitext.target = corpus.target.text;
  return bitext;
}

}  // namespace

void add_label_options(CLI::App& app, LabelOptions& options) {
  app.add_option("--policy", options.request.policy, "Policy whose candidates are labelled: g0-i0 or VARIANT/gG-iI")
      ->capture_default_str();
  auto* const corpus = app.add_option("--corpus", options.corpus, "Corpus of the run with sources and references");
  corpus->check(CLI::IsMember({"valid", "train"}));
  app.add_option("--bitext", options.bitext, "Files SOURCE TARGET instead, a sentence a line")
      ->expected(2)
      ->excludes(corpus);
  app.add_option("--by", options.request.by, "Reward that labels: chrf or bleu")
      ->check(CLI::IsMember({"chrf", "bleu"}))
      ->capture_default_str();
  app.add_option("--samples", options.request.samples, "Candidates a source")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

void label(const Communicator& world, const Experiment& experiment, const RunDirectory& run, LabelOptions options) {
  options.request.bitext = options.bitext.empty() ? bitext_of(run.corpus(options.corpus))
                                                  : read_bitext(options.bitext.at(0), options.bitext.at(1));
  label_candidates(world, experiment, run, options.request);
}

int label_command(const Communicator& world, int argc, char** argv) {
  LabelOptions options;
  LabelRequest& request = options.request;
  std::string device = "cpu";
  const auto command = read_command_line(
      world, argc, argv,
      {"rest_reward label",
       "Samples candidates of a policy and writes them with their rewards by a reference as ratings, which a "
       "reference-free reward can be learned from. Sources that no policy was trained on serve best.",
       "mpirun -n 2 rest_reward label data/experiments/synthetic.toml --run run/synthetic --by chrf"},
      [&](CLI::App& app) {
        add_device_option(app, device);
        add_label_options(app, options);
        app.add_option("--name", request.name, "Of the file, RUN/ratings/NAME.tsv [what --by says]");
      });
  if (!command) return exit_success;
  if (request.name.empty()) request.name = request.by;
  if (options.corpus.empty()) options.corpus = "valid";
  require_name("ratings file", request.name);
  request.device = choose_device(world, device);
  const WorkSession work(world, *command, {"label-" + request.name, ""});
  label(world, command->experiment, work.run(), options);
  return exit_success;
}

}  // namespace rest
