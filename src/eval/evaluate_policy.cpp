#include "rest/eval/evaluate_policy.hpp"

#include <ATen/Parallel.h>

#include <cmath>
#include <cstdio>
#include <iostream>

#include "metrics_file.hpp"
#include "rest/comm/agreement.hpp"
#include "rest/comm/build_info.hpp"
#include "rest/core/committed.hpp"
#include "rest/core/counted.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/eval/bootstrap.hpp"
#include "rest/eval/evaluator.hpp"
#include "rest/eval/halves.hpp"
#include "rest/grow/grow_step.hpp"
#include "rest/text/metrics.hpp"
#include "text_scores.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<std::size_t> positions(std::size_t count) {
  std::vector<std::size_t> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = i;
  return all;
}

std::vector<std::string> references_of(const EvaluationSet& set) {
  std::vector<std::string> references;
  for (const std::size_t source : set.sources) references.push_back(set.corpus.target.text[source]);
  return references;
}

json evaluate(const Communicator& world, const Experiment& experiment, const Policy& policy, const Policy& initial,
              const EvaluationSet& set, double temperature) {
  const EvaluateOptions& options = experiment.evaluate;
  const auto seed = static_cast<std::uint64_t>(options.seed);
  GrowOptions sampling = experiment.grow;
  sampling.seed = options.seed;
  sampling.temperature = temperature;
  sampling.samples = options.samples;
  sampling.max_length = options.max_length;
  const SamplingModel model(policy, experiment.grow.precision);
  const Outputs sampled = evaluate_outputs(world, model, set, generate_options(sampling));
  sampling.temperature = 0.0;
  const Outputs greedy = evaluate_outputs(world, model, set, generate_options(sampling));
  const KlPerSource kl =
      evaluate_kl(world, model, unpacked_model(initial, experiment.grow.precision), set, generate_options(sampling));
  const auto references = references_of(set);
  const CorpusScores scores(greedy.text, references);
  const auto all = positions(set.sources.size());
  const auto mean_with_interval = [&](const std::vector<double>& values) {
    const Interval interval = bootstrap_mean(values, options.bootstrap, seed);
    return json{{"mean_reward", interval.value}, {"low", interval.low}, {"high", interval.high}};
  };
  json result;
  result["sources"] = set.sources.size();
  result["reward"] = experiment.reward.name;
  result["sampled"] = mean_with_interval(sampled.reward);
  result["sampled"]["temperature"] = temperature;
  result["sampled"]["samples"] = options.samples;
  result["greedy"] = mean_with_interval(greedy.reward);
  result["greedy"].update({{"bleu", scores.bleu_of(all)},
                           {"chrf", scores.chrf_of(all)},
                           {"length_ratio", scores.length_ratio()},
                           {"distinct_1", distinct_n(greedy.text, 1)},
                           {"distinct_2", distinct_n(greedy.text, 2)}});
  result["kl"] = {{"mean_per_position", kl.mean_per_position()}, {"temperature", 1.0}, {"reference", "g0-i0"}};
  result["signature"] = {{"bleu", bleu_signature()}, {"chrf", chrf_signature()}};
  result["per_source"] = {
      {"sampled_reward", sampled.reward}, {"greedy_reward", greedy.reward}, {"greedy", greedy.text}};
  if (set.watched) {
    result["watched"] = {{"reward", set.watched->name()},
                         {"sampled", mean_with_interval(sampled.watched)},
                         {"greedy", mean_with_interval(greedy.watched)}};
    result["per_source"].update({{"sampled_watched", sampled.watched}, {"greedy_watched", greedy.watched}});
  }
  return result;
}

bool watch_the_same(const json& ours, const json& theirs) {
  return ours.contains("watched") && theirs.contains("watched") &&
         ours.at("watched").at("reward") == theirs.at("watched").at("reward");
}

/// The paired bootstrap over sources, for rewards and for corpus scores of greedy output.
json compare(const json& ours, const json& theirs, const std::vector<std::string>& references,
             const EvaluateOptions& options) {
  const auto values = [](const json& metrics, const char* kind) { return metrics.at("per_source").at(kind); };
  const auto greedy = [&](const json& metrics) {
    return OutputTexts{values(metrics, "greedy_reward"), values(metrics, "greedy")};
  };
  json result = paired_text_scores(greedy(ours), greedy(theirs), references, options);
  result["greedy_reward"] = result.at("reward");
  result.erase("reward");
  result["sampled_reward"] = paired_means(values(ours, "sampled_reward"), values(theirs, "sampled_reward"), options);
  if (!watch_the_same(ours, theirs)) return result;
  for (const char* kind : {"sampled_watched", "greedy_watched"}) {
    result[kind] = paired_means(values(ours, kind), values(theirs, kind), options);
  }
  return result;
}

void print_table(const json& metrics) {
  const auto line = [](const char* name, const json& value, const std::string& more = {}) {
    std::printf("  %-28s %9.4f  %s\n", name, value.get<double>(), more.c_str());
  };
  const auto interval = [](const json& figures) {
    char text[64];
    std::snprintf(text, sizeof text, "95 %% [%.4f, %.4f]", figures.at("low").get<double>(),
                  figures.at("high").get<double>());
    return std::string(text);
  };
  const json &sampled = metrics.at("sampled"), &greedy = metrics.at("greedy");
  std::printf("%s on %s (%d sources, reward %s)\n", metrics.at("policy").get<std::string>().c_str(),
              metrics.at("corpus").get<std::string>().c_str(), metrics.at("sources").get<int>(),
              metrics.at("reward").get<std::string>().c_str());
  line("mean reward, sampled", sampled.at("mean_reward"),
       interval(sampled) + ", T = " + plain_number(sampled.at("temperature")) + ", " + sampled.at("samples").dump() +
           " samples");
  line("mean reward, greedy", greedy.at("mean_reward"), interval(greedy));
  if (metrics.contains("watched")) {
    const json& watched = metrics.at("watched");
    const auto name = watched.at("reward").get<std::string>();
    for (const char* kind : {"sampled", "greedy"}) {
      line(("watched " + name + ", " + kind).c_str(), watched.at(kind).at("mean_reward"), interval(watched.at(kind)));
    }
  }
  line("BLEU, greedy", greedy.at("bleu"), metrics.at("signature").at("bleu"));
  line("chrF, greedy", greedy.at("chrf"), metrics.at("signature").at("chrf"));
  line("length ratio, greedy", greedy.at("length_ratio"));
  line("distinct-1, greedy", greedy.at("distinct_1"));
  line("distinct-2, greedy", greedy.at("distinct_2"));
  line("KL to g0-i0 per position", metrics.at("kl").at("mean_per_position"), "nats, own samples, T = 1");
}

void print_comparison(const std::string& ours, const std::string& theirs, const json& comparison) {
  std::printf("%s minus %s, paired bootstrap over sources\n", ours.c_str(), theirs.c_str());
  for (const auto& [name, figures] : comparison.items()) {
    std::printf("  %-28s %+9.4f  95 %% [%+.4f, %+.4f], p = %.3f\n", name.c_str(), figures.at("value").get<double>(),
                figures.at("low").get<double>(), figures.at("high").get<double>(), figures.at("p_value").get<double>());
  }
}

}  // namespace

fs::path metrics_file(const RunDirectory& run, const EvaluationRequest& request, const std::string& policy) {
  return metrics_file(run, {policy, request.corpus, "", request.temperature});
}

void evaluate_policy(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                     const EvaluationRequest& request) {
  const Policy policy = load_policy(run.policy(request.policy)).to(request.device),
               initial = load_policy(run.initial_policy()).to(request.device);
  const Corpus corpus = read_corpus(run.corpus(request.corpus));
  require_tokenizer(policy, corpus.tokenizer_digest, run.corpus(request.corpus).string());
  if (!corpus.has_target()) throw Error(run.corpus(request.corpus).string() + " has no references");
  const Tokenizer tokenizer(run.tokenizer());
  const auto reward = make_reward(experiment.reward, run, request.device);
  std::unique_ptr<Reward> watching;
  if (!experiment.reward.watch.empty()) watching = make_reward(watched(experiment.reward), run, request.device);
  const EvaluationSet set{
      corpus,
      request.corpus == "valid" ? validation_half(corpus.size(), Half::report) : positions(corpus.size()),
      tokenizer,
      *reward,
      "evaluate " + request.policy + " on " + request.corpus,
      run.progress_sink(),
      watching.get()};
  stop_point(world);
  const double temperature = request.temperature.value_or(experiment.evaluate.temperature);
  auto options = options_json(experiment.evaluate);
  options["temperature"] = temperature;
  Lineage lineage = make_lineage(
      "evaluation", {{"policy", policy.digest}, {"corpus", corpus.digest}, {"initial_policy", initial.digest}},
      {{"evaluate", options},
       {"grow",
        {{"top_k", experiment.grow.top_k},
         {"top_p", experiment.grow.top_p},
         {"epsilon", experiment.grow.epsilon},
         {"precision", experiment.grow.precision},
         {"max_rows", experiment.grow.max_rows}}},
       {"reward", reward->identity()}});
  if (watching) lineage["options"]["watch"] = watching->identity();
  const fs::path file = metrics_file(run, request, request.policy);
  if (!request.compare.empty()) load_metrics(metrics_file(run, request, request.compare), request.compare);
  if (!is_committed(file, lineage)) {
    if (world.is_root())
      log_info(concat("evaluating ", request.policy, " on ", request.corpus, ": ", set.sources.size(), " sources, ",
                      experiment.evaluate.samples, " samples each, ", counted(world.size(), "rank")));
    json metrics = evaluate(world, experiment, policy, initial, set, temperature);
    metrics["policy"] = request.policy;
    metrics["corpus"] = request.corpus;
    if (world.is_root()) {
      fs::create_directories(file.parent_path());
      commit_json(file, metrics, lineage, made_by(world, at::get_num_threads(), device_name(request.device)));
    }
    barrier(world);
  }
  if (world.is_root()) {
    const json metrics = load_metrics(file, request.policy);
    print_table(metrics);
    if (!request.compare.empty()) {
      const MetricsName theirs{request.compare, request.corpus, "", request.temperature};
      const json other = load_metrics(metrics_file(run, theirs), request.compare);
      print_comparison(request.policy, request.compare,
                       compare(metrics, other, references_of(set), experiment.evaluate));
    }
  }
  if (!request.decoding.any()) return;
  evaluate_decoding(world, experiment, run, {policy, request.policy, request.corpus, request.temperature}, set,
                    request.decoding);
}

}  // namespace rest
