#include "rest/eval/label_candidates.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <fstream>
#include <numeric>
#include <set>

#include "rest/comm/agreement.hpp"
#include "rest/comm/build_info.hpp"
#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/eval/evaluator.hpp"
#include "rest/grow/grow_step.hpp"
#include "rest/model/policy.hpp"
#include "rest/reward/ratings.hpp"
#include "rest/reward/reward.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

/// In memory, with pieces of the sources.
Corpus corpus_of(const Bitext& bitext, const Tokenizer& tokenizer, std::int64_t max_length) {
  Corpus corpus;
  corpus.vocabulary_size = tokenizer.vocabulary_size();
  for (std::size_t i = 0; i < bitext.source.size(); ++i) {
    auto pieces = tokenizer.encode(bitext.source[i]);
    if (pieces.size() > static_cast<std::size_t>(max_length)) pieces.resize(static_cast<std::size_t>(max_length));
    corpus.source.tokens.push_back(pieces);
    corpus.target.tokens.push_back(pieces);  // only its text is looked at
  }
  corpus.source.text = bitext.source;
  corpus.target.text = bitext.target;
  return corpus;
}

/// A field of a TSV line: samples may hold any character, byte by byte.
std::string field(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\t' || c == '\n' || c == '\r'; }, ' ');
  return text;
}

std::string digest_of(const Bitext& bitext) {
  std::string all;
  for (std::size_t i = 0; i < bitext.source.size(); ++i) all += bitext.source[i] + '\n' + bitext.target[i] + '\n';
  return sha256(all);
}

}  // namespace

void label_candidates(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                      const LabelRequest& request) {
  if (request.bitext.source.empty() || request.bitext.target.empty()) {
    throw Error("there are no pairs to label candidates of", "", "give sources with references");
  }
  const auto reward = make_built_in_reward(request.by);
  if (!reward) throw UsageError("candidates cannot be labelled by \"" + request.by + "\"", "", "use chrf or bleu");
  const Policy policy = load_policy(run.policy(request.policy)).to(request.device);
  require_tokenizer(policy, verify_committed(run.tokenizer(), "rest_prepare").sha256, run.tokenizer().string());
  const Tokenizer tokenizer(run.tokenizer());
  GrowOptions sampling = experiment.grow;
  sampling.samples = request.samples;
  nlohmann::json options = options_json(sampling);
  for (const char* harmless : {"sources_per_shard", "include_originals"}) options.erase(harmless);
  const Lineage lineage =
      make_lineage("labelled candidates", {{"policy", policy.digest}, {"bitext", digest_of(request.bitext)}},
                   {{"grow", options}, {"reward", reward->identity()}, {"max_length", experiment.data.max_length}});
  const fs::path file = run.ratings(request.name);
  stop_point(world);
  if (is_committed(file, lineage)) {
    if (world.is_root()) log_info(file.string() + " is complete");
    return;
  }
  const Corpus corpus = corpus_of(request.bitext, tokenizer, experiment.data.max_length);
  std::vector<std::size_t> sources(corpus.size());
  std::iota(sources.begin(), sources.end(), std::size_t{0});
  const EvaluationSet set{
      corpus, sources, tokenizer, *reward, "label candidates of " + request.policy, run.progress_sink()};
  const auto judged = evaluate_candidates(
      world, set, sampling_decode(SamplingModel(policy, sampling.precision), generate_options(sampling)),
      [&](std::size_t source, const std::vector<Candidate>& candidates) {
        const JudgedCandidates all = judge_candidates(set, source, candidates);
        return nlohmann::json{all.text, all.reward};
      });
  if (!world.is_root()) return barrier(world);
  std::string lines;
  double sum = 0.0;
  std::size_t count = 0;
  for (std::size_t s = 0; s < corpus.size(); ++s) {
    std::set<std::string> known;
    for (std::size_t c = 0; c < judged[s][0].size(); ++c) {
      const auto text = judged[s][0][c].get<std::string>();
      if (is_blank(text) || !known.insert(text).second) continue;
      const double value = judged[s][1][c];
      lines += concat(field(corpus.source.text[s]), '\t', field(text), '\t', value, '\t', field(corpus.target.text[s]),
                      '\n');
      sum += value;
      ++count;
    }
  }
  fs::create_directories(file.parent_path());
  commit_file(
      file, lineage, [&](const fs::path& to) { std::ofstream(to) << lines; },
      [](const fs::path& written) { read_ratings(written); },
      made_by(world, at::get_num_threads(), device_name(request.device)));
  log_info(concat(file.string(), ": ", count, " candidates of ", corpus.size(), " sources, mean ", request.by, " ",
                  with_digits(sum / static_cast<double>(std::max<std::size_t>(count, 1)), 4)));
  barrier(world);
}

}  // namespace rest
