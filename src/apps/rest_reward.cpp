#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>

#include "apps/work_session.hpp"
#include "rest/comm/agreement.hpp"
#include "rest/comm/version_text.hpp"
#include "rest/core/child_process.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/signals.hpp"
#include "rest/eval/reward_check.hpp"
#include "rest/eval/reward_correlation.hpp"
#include "rest/store/corpus.hpp"
#include "rest/text/bitext.hpp"

namespace {

namespace fs = std::filesystem;

/// In report/, where tables and figures of a run are.
fs::path write_report(const rest::RunDirectory& run, const std::string& name, const std::string& text) {
  const fs::path folder = run.root() / "report", file = folder / name;
  fs::create_directories(folder);
  std::ofstream out(file);
  out << text;
  if (!out.flush()) throw rest::Error("cannot write " + file.string(), "", "free space there");
  return file;
}

/// A result for eyes and, in report/, for programs.
void report(const rest::RunDirectory& run, const std::string& title, const std::string& text, const std::string& name,
            const nlohmann::json& json) {
  const fs::path file = write_report(run, name, json.dump(1) + "\n");
  std::cout << title << ": " << text << std::flush;
  rest::log_info("written to " + file.string());
}

/// Translations to spoil, with a reference each where there are some.
struct Texts {
  std::vector<rest::GoodTranslation> good;
  std::vector<std::string> references;
  std::string origin;

  /// A translation that is its own reference.
  void add(const std::string& source, const std::string& text) {
    good.push_back({source, text});
    references.push_back(text);
  }
};

struct CheckRequest {
  std::string reward, corpus = "test", ratings;
  std::vector<std::string> bitext;
  double good_from = 0.0;
  std::size_t sentences = 500;
  rest::RewardCheckLimits limits;
};

Texts from_corpus(const fs::path& file) {
  const rest::Corpus corpus = rest::read_corpus(file);
  if (!corpus.has_target()) throw rest::Error(file.string() + " has no targets", "", "name others by --bitext");
  Texts texts;
  texts.origin = file.string();
  for (std::size_t i = 0; i < corpus.size(); ++i) texts.add(corpus.source.text[i], corpus.target.text[i]);
  return texts;
}

Texts from_bitext(const std::vector<std::string>& files) {
  const rest::Bitext bitext = rest::read_bitext(files.at(0), files.at(1));
  Texts texts;
  texts.origin = files[1];
  for (std::size_t i = 0; i < bitext.source.size(); ++i) texts.add(bitext.source[i], bitext.target[i]);
  return texts;
}

Texts from_ratings(const std::string& file, double good_from) {
  const rest::Ratings ratings = rest::read_ratings(file);
  Texts texts;
  texts.origin = rest::concat("those of ", file, " that are rated ", good_from, " or better");
  for (std::size_t i = 0; i < ratings.size(); ++i) {
    if (ratings.score[i] < good_from) continue;
    texts.good.push_back({ratings.source[i], ratings.translation[i]});
    if (!ratings.reference.empty()) texts.references.push_back(ratings.reference[i]);
  }
  return texts;
}

Texts texts_of(const CheckRequest& request, const rest::RunDirectory& run) {
  Texts texts = !request.bitext.empty()    ? from_bitext(request.bitext)
                : !request.ratings.empty() ? from_ratings(request.ratings, request.good_from)
                                           : from_corpus(run.corpus(request.corpus));
  if (texts.good.empty()) throw rest::Error("there are no translations to check with in " + texts.origin);
  if (texts.good.size() > request.sentences) texts.good.resize(request.sentences);
  if (texts.references.size() > request.sentences) texts.references.resize(request.sentences);
  return texts;
}

int check(const rest::Communicator& world, int argc, char** argv) {
  CheckRequest request;
  const auto command = rest::read_command_line(
      world, argc, argv,
      {"rest_reward check",
       "Spoils good translations in known ways and tells how often a reward falls. Exit code 1 when a limit is missed.",
       "rest_reward check data/experiments/synthetic.toml --run run/synthetic --reward chrf"},
      [&](CLI::App& app) {
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
        app.add_option("--most-repeats", request.limits.most_repeats,
                       "Limit: share whose reward rises when the translation is said twice")
            ->check(CLI::Range(0.0, 1.0))
            ->capture_default_str();
      });
  if (!command) return rest::exit_success;
  const auto reward = rest::make_reward(command->experiment.reward, request.reward);
  const Texts texts = texts_of(request, command->run);
  const rest::RewardCheck result =
      rest::check_reward(world, *reward, texts.good, texts.references, request.limits, /*seed=*/1);
  if (world.is_root()) {
    nlohmann::json json = rest::to_json(result);
    json["reward"] = reward->name();
    json["translations"] = texts.origin;
    report(command->run, "check of " + reward->name() + " on " + texts.origin, rest::to_text(result),
           "reward_check." + reward->name() + ".json", json);
  }
  return result.failures.empty() ? rest::exit_success : rest::exit_failure;
}

int correlate(const rest::Communicator& world, int argc, char** argv) {
  std::string name, file;
  double apart = 0.0;
  std::int64_t resamples = 1000;
  const auto command = rest::read_command_line(
      world, argc, argv,
      {"rest_reward correlate", "Tells how a reward goes with what people say of translations.",
       "rest_reward correlate data/experiments/synthetic.toml --run run/synthetic --reward chrf --ratings rated.tsv"},
      [&](CLI::App& app) {
        app.add_option("--reward", name, "Reward to judge [reward.name of the experiment]");
        app.add_option("--ratings", file, "Rated translations: TSV of source, translation, score[, reference]")
            ->required();
        app.add_option("--apart", apart, "Pairs of one source count when rated so far apart or more")
            ->check(CLI::NonNegativeNumber)
            ->capture_default_str();
        app.add_option("--resamples", resamples, "Of the bootstrap")->check(CLI::PositiveNumber)->capture_default_str();
      });
  if (!command) return rest::exit_success;
  const auto reward = rest::make_reward(command->experiment.reward, name);
  const rest::Ratings ratings = rest::read_ratings(file);
  const std::vector<double> rewards = rest::rewards_of(world, *reward, ratings);
  rest::stop_point(world);
  if (!world.is_root()) return rest::exit_success;
  const rest::RewardCorrelation result = rest::correlate_reward(ratings, rewards, apart, resamples, /*seed=*/1);
  nlohmann::json json = rest::to_json(result);
  json["reward"] = reward->name();
  json["ratings"] = file;
  std::string table = "rating\treward\n";
  for (std::size_t i = 0; i < rewards.size(); ++i) table += rest::concat(ratings.score[i], '\t', rewards[i], '\n');
  write_report(command->run, "reward_correlation." + reward->name() + ".tsv", table);
  report(command->run, "correlation of " + reward->name() + " with " + file, rest::to_text(result),
         "reward_correlation." + reward->name() + ".json", json);
  return rest::exit_success;
}

/// The word behind the program's name says what to do; what follows is its own command line.
int body(const rest::Communicator& world, int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "check") return check(world, argc - 1, argv + 1);
  if (what == "correlate") return correlate(world, argc - 1, argv + 1);
  const char* const usage =
      "usage: rest_reward check|correlate EXPERIMENT [OPTION...]\n"
      "  check      spoils good translations in known ways and tells how often the reward falls\n"
      "  correlate  compares the reward with human ratings\n"
      "rest_reward check --help and rest_reward correlate --help show the options\n";
  if (what == "--help" || what == "-h" || what == "--version") {
    if (world.is_root()) std::cout << (what == "--version" ? rest::version_text("rest_reward") : usage) << std::flush;
    return rest::exit_success;
  }
  throw rest::UsageError(what.empty() ? "rest_reward was not told what to do" : "rest_reward cannot \"" + what + "\"",
                         "", "rest_reward --help shows what it can");
}

}  // namespace

int main(int argc, char** argv) {
  rest::install_stop_signals();
  rest::start_spawner();  // for rewards that are programs
  return rest::run_main(argc, argv, body);
}
