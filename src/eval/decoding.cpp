#include "rest/eval/decoding.hpp"

#include <ATen/Parallel.h>

#include <functional>

#include "decoding_report.hpp"
#include "metrics_file.hpp"
#include "rest/comm/build_info.hpp"
#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/grow/grow_step.hpp"
#include "rest/model/device.hpp"
#include "sample_figures.hpp"
#include "text_scores.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// Entry n of every source's curve, [n, sources].
std::vector<std::vector<double>> by_n(const json& sources, const char* key, std::size_t largest) {
  std::vector<std::vector<double>> series(largest);
  for (const auto& curve : of_each<std::vector<double>>(sources, "best_of", key)) {
    for (std::size_t n = 0; n < largest; ++n) series[n].push_back(curve.at(n));
  }
  return series;
}

class DecodingEvaluation {
 public:
  DecodingEvaluation(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                     const EvaluatedPolicy& evaluated, const EvaluationSet& set)
      : world_(world),
        experiment_(experiment),
        run_(run),
        evaluated_(evaluated),
        set_(set),
        model_(evaluated.policy, experiment.grow.precision) {
    for (const std::size_t source : set.sources) references_.push_back(set.corpus.target.text[source]);
    if (!world.is_root()) return;
    const json metrics = load_metrics(
        metrics_file(run, {evaluated.name, evaluated.corpus, "", evaluated.asked_temperature}), evaluated.name);
    greedy_ = {metrics.at("per_source").at("greedy_reward"), metrics.at("per_source").at("greedy")};
  }

  /// Best-of-N up to `largest` and minimum Bayes risk, those that are asked for, from the same samples.
  std::vector<json> sampled(std::int64_t samples, bool best_of, bool mbr) {
    const fs::path best_file = file("best_of_" + std::to_string(samples), evaluated_.asked_temperature),
                   mbr_file = file("mbr_" + std::to_string(samples), evaluated_.asked_temperature);
    const Lineage lineage = sampled_lineage(samples);
    const Lineage best_lineage = of_kind("best of n", lineage), mbr_lineage = of_kind("minimum bayes risk", lineage);
    const bool best_missing = best_of && !is_committed(best_file, best_lineage),
               mbr_missing = mbr && !is_committed(mbr_file, mbr_lineage);
    if (best_missing || mbr_missing) sample(samples, best_missing, mbr_missing);
    if (best_missing) commit(best_file, best_lineage, [&] { return best_of_metrics(samples); });
    if (mbr_missing) commit(mbr_file, mbr_lineage, [&] { return mbr_metrics(samples); });
    std::vector<json> metrics;
    if (best_of) metrics.push_back(load(best_file));
    if (mbr) metrics.push_back(load(mbr_file));
    return metrics;
  }

  json searched(std::int64_t beam, double length_penalty) {
    const fs::path path = file(concat("beam_", beam, "_lp", plain_number(length_penalty)), {});
    const Lineage lineage = of_kind("beam search", lineage_of({{"beam", beam}, {"length_penalty", length_penalty}}));
    if (!is_committed(path, lineage)) {
      say(concat("beam search of ", beam));
      BeamOptions options;
      options.beam = beam;
      options.length_penalty = length_penalty;
      options.max_length = experiment_.evaluate.max_length;
      options.max_rows = experiment_.grow.max_rows;
      const Outputs found = evaluate_outputs(world_, set_, beam_decode(model_, options));
      commit(path, lineage, [&] {
        json metrics = compared({found.reward, found.text});
        metrics.update({{"decoding", "beam"}, {"beam", beam}, {"length_penalty", length_penalty}});
        return metrics;
      });
    }
    return load(path);
  }

  json greedy_scores() const { return text_scores(greedy_, references_, experiment_.evaluate); }

 private:
  double temperature() const { return evaluated_.asked_temperature.value_or(experiment_.evaluate.temperature); }

  fs::path file(const std::string& kind, std::optional<double> temperature) const {
    return metrics_file(run_, {evaluated_.name, evaluated_.corpus, kind, temperature});
  }

  static Lineage of_kind(const std::string& kind, Lineage lineage) {
    lineage["kind"] = kind;
    return lineage;
  }

  /// Of what greedy output and its comparison depend on, and of `more`.
  Lineage lineage_of(json more) const {
    json evaluate = options_json(experiment_.evaluate);
    evaluate.erase("samples");
    evaluate.erase("temperature");
    const GrowOptions& grow = experiment_.grow;
    more.update({{"evaluate", evaluate},
                 {"grow", {{"precision", grow.precision}, {"max_rows", grow.max_rows}}},
                 {"reward", set_.reward.identity()}});
    return make_lineage("decoding", {{"policy", evaluated_.policy.digest}, {"corpus", set_.corpus.digest}}, more);
  }

  Lineage sampled_lineage(std::int64_t samples) const {
    const GrowOptions& grow = experiment_.grow;
    return lineage_of({{"samples", samples},
                       {"temperature", temperature()},
                       {"top_k", grow.top_k},
                       {"top_p", grow.top_p},
                       {"epsilon", grow.epsilon}});
  }

  void say(const std::string& what) const {
    if (world_.is_root()) log_info("evaluating " + what + " from " + evaluated_.name + " on " + evaluated_.corpus);
  }

  void sample(std::int64_t samples, bool best_of, bool mbr) {
    say(concat(samples, " samples a source"));
    GrowOptions options = experiment_.grow;
    options.seed = experiment_.evaluate.seed;
    options.max_length = experiment_.evaluate.max_length;
    options.temperature = temperature();
    options.samples = samples;
    SampleFigures figures(set_, best_of ? samples : 0, mbr);
    sources_ = evaluate_candidates(world_, set_, sampling_decode(model_, generate_options(options)), std::ref(figures));
    if (!mbr) return;
    mbr_seconds_ = 0.0;
    for (const double rank : all_gather(world_, std::vector<double>{figures.mbr_seconds()})) mbr_seconds_ += rank;
    if (!world_.is_root()) return;
    log_info(concat("minimum Bayes risk: ", mbr_seconds_, " s of computing, ",
                    1e3 * mbr_seconds_ / static_cast<double>(set_.sources.size()), " ms a source"));
  }

  template <class Make>
  void commit(const fs::path& path, const Lineage& lineage, Make make) const {
    if (world_.is_root()) {
      json metrics = make();
      metrics.update({{"policy", evaluated_.name},
                      {"corpus", evaluated_.corpus},
                      {"sources", set_.sources.size()},
                      {"reward", experiment_.reward.name},
                      {"signature", {{"bleu", bleu_signature()}, {"chrf", chrf_signature()}}}});
      json sidecar = made_by(world_, at::get_num_threads(), device_name(model_.device()));
      if (metrics.at("decoding") == "mbr") sidecar["mbr_seconds"] = mbr_seconds_;
      commit_json(path, metrics, lineage, sidecar);
    }
    barrier(world_);
  }

  json load(const fs::path& path) const { return world_.is_root() ? load_metrics(path, evaluated_.name) : json{}; }

  /// Scores of one text a source, next to greedy output.
  json compared(const OutputTexts& output) const {
    const EvaluateOptions& options = experiment_.evaluate;
    return {{"output", text_scores(output, references_, options)},
            {"greedy", greedy_scores()},
            {"minus_greedy", paired_text_scores(output, greedy_, references_, options)},
            {"per_source", {{"reward", output.reward}, {"text", output.text}}}};
  }

  json curve(const char* key, std::size_t largest) const {
    const EvaluateOptions& options = experiment_.evaluate;
    json value = json::array(), low = json::array(), high = json::array();
    for (const Interval& mean :
         bootstrap_means(by_n(sources_, key, largest), options.bootstrap, static_cast<std::uint64_t>(options.seed))) {
      value.push_back(mean.value);
      low.push_back(mean.low);
      high.push_back(mean.high);
    }
    return {{"value", value}, {"low", low}, {"high", high}};
  }

  json best_of_metrics(std::int64_t samples) const {
    json metrics =
        compared({of_each<double>(sources_, "best_of", "reward"), of_each<std::string>(sources_, "best_of", "text")});
    metrics.update({{"decoding", "best_of"},
                    {"samples", samples},
                    {"temperature", temperature()},
                    {"best_reward", curve("best_reward", static_cast<std::size_t>(samples))},
                    {"chrf_of_best", curve("chrf_of_best", static_cast<std::size_t>(samples))},
                    {"reward_is_chrf", experiment_.reward.name == "chrf"}});
    return metrics;
  }

  json mbr_metrics(std::int64_t samples) const {
    const auto expected = of_each<double>(sources_, "mbr", "expected_chrf");
    json metrics =
        compared({of_each<double>(sources_, "mbr", "reward"), of_each<std::string>(sources_, "mbr", "text")});
    metrics["per_source"]["expected_chrf"] = expected;
    const EvaluateOptions& options = experiment_.evaluate;
    metrics.update({{"decoding", "mbr"},
                    {"samples", samples},
                    {"temperature", temperature()},
                    {"expected_chrf", interval_json(bootstrap_mean(expected, options.bootstrap,
                                                                   static_cast<std::uint64_t>(options.seed)))}});
    return metrics;
  }

  const Communicator& world_;
  const Experiment& experiment_;
  const RunDirectory& run_;
  const EvaluatedPolicy& evaluated_;
  const EvaluationSet& set_;
  SamplingModel model_;
  std::vector<std::string> references_;
  OutputTexts greedy_;        // on rank 0
  json sources_;              // figures of each source's samples
  double mbr_seconds_ = 0.0;  // over all ranks
};

}  // namespace

void evaluate_decoding(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                       const EvaluatedPolicy& evaluated, const EvaluationSet& set, const DecodingRequest& request) {
  const bool samples = !request.best_of.empty() || request.mbr;
  if (samples && evaluated.asked_temperature.value_or(experiment.evaluate.temperature) == 0.0) {
    throw UsageError("--best-of and --mbr choose among samples", "the temperature is 0", "give a higher --temperature");
  }
  DecodingEvaluation evaluation(world, experiment, run, evaluated, set);
  std::vector<json> metrics;
  if (request.beam > 0) metrics.push_back(evaluation.searched(request.beam, request.length_penalty));
  if (samples) {
    const std::int64_t count = request.best_of.empty() ? experiment.evaluate.samples : request.best_of.back();
    for (json& next : evaluation.sampled(count, !request.best_of.empty(), request.mbr)) {
      metrics.push_back(std::move(next));
    }
  }
  if (world.is_root()) print_decoding(metrics, request.best_of);
}

}  // namespace rest
