#include "rest/eval/reward_check.hpp"

#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>

#include "apps/reward_commands.hpp"
#include "rest/core/error.hpp"
#include "rest/core/signals.hpp"
#include "rest/reward/ratings.hpp"
#include "rest/store/corpus.hpp"
#include "rest/text/bitext.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

/// Translations to spoil, with a reference each where there are some.
struct Texts {
  std::vector<GoodTranslation> good;
  std::vector<std::string> references;
  std::string origin;

  /// A translation that is its own reference.
  void add(const std::string& source, const std::string& text) {
    good.push_back({source, text});
    references.push_back(text);
  }
};

struct CheckRequest {
  std::string reward, corpus = "test", ratings, device = "cpu";
  std::vector<std::string> bitext;
  double good_from = 0.0;
  std::size_t sentences = 500;
  RewardCheckLimits limits;
};

Texts from_corpus(const fs::path& file) {
  const Corpus corpus = read_corpus(file);
  if (!corpus.has_target()) throw Error(file.string() + " has no targets", "", "name others by --bitext");
  Texts texts;
  texts.origin = file.string();
  for (std::size_t i = 0; i < corpus.size(); ++i) texts.add(corpus.source.text[i], corpus.target.text[i]);
  return texts;
}

Texts from_bitext(const std::vector<std::string>& files) {
  const Bitext bitext = read_bitext(files.at(0), files.at(1));
  Texts texts;
  texts.origin = files[1];
  for (std::size_t i = 0; i < bitext.source.size(); ++i) texts.add(bitext.source[i], bitext.target[i]);
  return texts;
}

Texts from_ratings(const std::string& file, double good_from) {
  const Ratings ratings = read_ratings(file);
  Texts texts;
  texts.origin = concat("those of ", file, " that are rated ", good_from, " or better");
  for (std::size_t i = 0; i < ratings.size(); ++i) {
    if (ratings.score[i] < good_from) continue;
    texts.good.push_back({ratings.source[i], ratings.translation[i]});
    if (!ratings.reference.empty()) texts.references.push_back(ratings.reference[i]);
  }
  return texts;
}

Texts texts_of(const CheckRequest& request, const RunDirectory& run) {
  Texts texts = !request.bitext.empty()    ? from_bitext(request.bitext)
                : !request.ratings.empty() ? from_ratings(request.ratings, request.good_from)
                                           : from_corpus(run.corpus(request.corpus));
  if (texts.good.empty()) throw Error("there are no translations to check with in " + texts.origin);
  if (texts.good.size() > request.sentences) texts.good.resize(request.sentences);
  if (texts.references.size() > request.sentences) texts.references.resize(request.sentences);
  return texts;
}

}  // namespace

int check_command(const Communicator& world, int argc, char** argv) {
  CheckRequest request;
  const auto command = read_command_line(
      world, argc, argv,
      {"rest_reward check",
       "Spoils good translations in known ways and tells how often a reward falls. Exit code 1 when a limit is missed.",
       "rest_reward check data/experiments/synthetic.toml --run run/synthetic --reward chrf"},
      [&](CLI::App& app) {
        add_device_option(app, request.device);
        app.add_option("--reward", request.reward, "Reward to check [reward.name of the experiment]");
        app.add_option("--corpus", request.corpus, "Corpus of the run whose targets are the good translations")
            ->check(CLI::IsMember({"test", "valid", "train"}))
            ->capture_default_str();
        auto* const bitext =
            app.add_option("--bitext", request.bitext, "Files SOURCE TARGET instead, a sentence a line")->expected(2);
        auto* const ratings = app.add_option(
            "--ratings", request.ratings, "Rated translations instead: TSV of source, translation, score[, reference]");
        ratings->excludes(bitext);
        app.add_option("--good-from", request.good_from, "Score from which on a rated translation is good")
            ->needs(ratings)
            ->capture_default_str();
        app.add_option("--sentences", request.sentences, "At most so many, the first ones")
            ->check(CLI::PositiveNumber)
            ->capture_default_str();
        app.add_option("--least-fell", request.limits.least_fell, "Limit: share whose reward falls, for each kind")
            ->check(CLI::Range(0.0, 1.0))
            ->capture_default_str();
        app.add_option("--least-fell-unseen", request.limits.least_fell_unseen,
                       "Limit instead, for kinds that a learned reward was not trained to notice")
            ->check(CLI::Range(0.0, 1.0))
            ->capture_default_str();
        app.add_option("--most-repeats", request.limits.most_repeats,
                       "Limit: share whose reward rises when the translation is said twice")
            ->check(CLI::Range(0.0, 1.0))
            ->capture_default_str();
      });
  if (!command) return exit_success;
  at::set_num_threads(command->threads);
  const auto reward =
      make_reward(command->experiment.reward, command->run, choose_device(world, request.device), request.reward);
  const Texts texts = texts_of(request, command->run);
  const RewardCheck result = check_reward(world, *reward, texts.good, texts.references, request.limits, /*seed=*/1);
  if (world.is_root()) {
    nlohmann::json json = to_json(result);
    json["reward"] = reward->name();
    json["translations"] = texts.origin;
    report(command->run, "check of " + reward->name() + " on " + texts.origin, to_text(result),
           "reward_check." + reward->name() + ".json", json);
  }
  return result.failures.empty() ? exit_success : exit_failure;
}

}  // namespace rest
