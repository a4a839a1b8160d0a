#include <CLI/CLI.hpp>

#include "apps/reward_commands.hpp"
#include "apps/work_session.hpp"
#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"
#include "rest/core/variant_name.hpp"
#include "rest/eval/label_candidates.hpp"
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

int label_command(const Communicator& world, int argc, char** argv) {
  LabelRequest request;
  std::string corpus = "valid", device = "cpu";
  std::vector<std::string> files;
  const auto command = read_command_line(
      world, argc, argv,
      {"rest_reward label",
       "Samples candidates of a policy and writes them with their rewards by a reference as ratings, which a "
       "reference-free reward can be learned from. Sources that no policy was trained on serve best.",
       "mpirun -n 2 rest_reward label data/experiments/synthetic.toml --run run/synthetic --by chrf"},
      [&](CLI::App& app) {
        add_device_option(app, device);
        app.add_option("--policy", request.policy, "Policy: g0-i0 or VARIANT/gG-iI")->capture_default_str();
        app.add_option("--corpus", corpus, "Corpus of the run")
            ->check(CLI::IsMember({"valid", "train"}))
            ->capture_default_str();
        app.add_option("--bitext", files, "Files SOURCE TARGET instead, a sentence a line")->expected(2);
        app.add_option("--by", request.by, "Reward that rates: chrf or bleu")
            ->check(CLI::IsMember({"chrf", "bleu"}))
            ->capture_default_str();
        app.add_option("--samples", request.samples, "Candidates a source")
            ->check(CLI::PositiveNumber)
            ->capture_default_str();
        app.add_option("--name", request.name, "Of the file, RUN/ratings/NAME.tsv [what --by says]");
      });
  if (!command) return exit_success;
  if (request.name.empty()) request.name = request.by;
  require_name("ratings file", request.name);
  request.device = choose_device(world, device);
  const WorkSession work(world, *command, {"label-" + request.name, ""});
  request.bitext = files.empty() ? bitext_of(work.run().corpus(corpus)) : read_bitext(files.at(0), files.at(1));
  label_candidates(world, command->experiment, work.run(), request);
  return exit_success;
}

}  // namespace rest
