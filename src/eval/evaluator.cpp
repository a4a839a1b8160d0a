#include "rest/eval/evaluator.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <sstream>

#include "rest/comm/share_out.hpp"
#include "rest/train/batch.hpp"

namespace rest {
namespace {

constexpr std::size_t chunk_sources = 32;

/// Runs `work(first, last, tick)`, which returns a JSON array, on chunks of the set's positions, shared out over the
/// ranks; the elements of all arrays in order.
template <class Work>
nlohmann::json over_chunks(const Communicator& world, const EvaluationSet& set, const char* what, Work work) {
  const std::size_t count = set.sources.size();
  const auto chunks = static_cast<std::int64_t>((count + chunk_sources - 1) / chunk_sources);
  const bool told = world.is_root() && !set.label.empty();
  Progress progress(set.label + ", " + what, "sources", count,
                    told ? Progress::Output::enabled : Progress::Output::silent, set.sink);
  const auto results = share_out(
      world, chunks,
      [&](std::int64_t chunk, const Tick& tick) {
        const std::size_t first = static_cast<std::size_t>(chunk) * chunk_sources;
        return nlohmann::json(work(first, std::min(count, first + chunk_sources), tick)).dump();
      },
      [&](std::int64_t done) { progress.update(std::min(count, static_cast<std::size_t>(done) * chunk_sources)); });
  auto all = nlohmann::json::array();
  for (const std::string& bytes : results) {
    for (auto& result : nlohmann::json::parse(bytes)) all.push_back(std::move(result));
  }
  progress.finish();
  return all;
}

/// Calls `tick` at every decoding step.
std::function<void(const GenerateCounts&)> at_every_step(const Tick& tick) {
  return [&tick](const GenerateCounts&) { tick(); };
}

std::vector<GenerateSource> chunk_of(const EvaluationSet& set, std::size_t first, std::size_t last) {
  std::vector<GenerateSource> sources;
  for (std::size_t i = first; i < last; ++i) {
    GenerateSource source;
    source.tokens = set.corpus.source.tokens[set.sources[i]];
    source.id = set.sources[i];
    sources.push_back(source);
  }
  return sources;
}

/// Mean reward, first text, mean length and, if there is one, mean watched reward of one source's candidates.
nlohmann::json judge(const EvaluationSet& set, std::size_t source, const std::vector<Candidate>& candidates) {
  const JudgedCandidates judged = judge_candidates(set, source, candidates);
  double reward = 0.0, watched = 0.0, length = 0.0, count = 0.0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const double weight = candidates[i].count;
    reward += weight * static_cast<double>(judged.reward[i]);
    if (set.watched) watched += weight * static_cast<double>(judged.watched[i]);
    length += weight * static_cast<double>(candidates[i].tokens.size() + 1);
    count += weight;
  }
  nlohmann::json figures = {reward / count, judged.text.front(), length / count};
  if (set.watched) figures.push_back(watched / count);
  return figures;
}

/// The samples of a chunk as training pairs.
class SampleDataset : public Dataset {
 public:
  SampleDataset(const std::vector<GenerateSource>& sources, const std::vector<std::vector<Candidate>>& samples)
      : sources_(sources), samples_(samples) {}
  std::size_t size() const override { return sources_.size(); }
  Example get(std::size_t i) const override { return {sources_[i].tokens, samples_[i].front().tokens, 1.0f, i}; }

 private:
  const std::vector<GenerateSource>& sources_;
  const std::vector<std::vector<Candidate>>& samples_;
};

torch::Tensor log_probabilities(const Transformer& model, const Batch& batch) {  // [target rows, vocabulary]
  Dropout none;
  const auto memory = model.encode(batch.source, batch.sources, none);
  const auto hidden = model.decode(batch.target_in, batch.targets, memory, batch.sources, batch.readers, none);
  return torch::log_softmax(model.project(hidden).to(torch::kFloat32), -1);
}

}  // namespace

JudgedCandidates judge_candidates(const EvaluationSet& set, std::size_t source,
                                  const std::vector<Candidate>& candidates) {
  JudgedCandidates judged;
  std::vector<ScoredText> batch;
  for (const Candidate& candidate : candidates) judged.text.push_back(set.tokenizer.decode(candidate.tokens));
  for (const std::string& text : judged.text) {
    batch.push_back(
        {set.corpus.source.text[source], text, set.corpus.has_target() ? &set.corpus.target.text[source] : nullptr});
  }
  judged.reward = set.reward.score(batch);
  if (set.watched) judged.watched = set.watched->score(batch);
  return judged;
}

nlohmann::json evaluate_candidates(const Communicator& world, const EvaluationSet& set, const Decode& decode,
                                   const CandidateFigures& figures) {
  const char* const what = decode.name.c_str();
  return over_chunks(world, set, what, [&](std::size_t first, std::size_t last, const Tick& tick) {
    const auto candidates = decode.run(chunk_of(set, first, last), tick);
    std::vector<nlohmann::json> results;
    for (std::size_t i = first; i < last; ++i) {
      tick();
      results.push_back(figures(set.sources[i], candidates[i - first]));
    }
    return results;
  });
}

Outputs evaluate_outputs(const Communicator& world, const EvaluationSet& set, const Decode& decode) {
  Outputs outputs;
  const auto results = evaluate_candidates(
      world, set, decode, [&](std::size_t source, const auto& candidates) { return judge(set, source, candidates); });
  for (const auto& result : results) {
    outputs.reward.push_back(result[0]);
    outputs.text.push_back(result[1]);
    outputs.length.push_back(result[2]);
    if (set.watched) outputs.watched.push_back(result[3]);
  }
  return outputs;
}

Outputs evaluate_outputs(const Communicator& world, const SamplingModel& model, const EvaluationSet& set,
                         const GenerateOptions& options) {
  return evaluate_outputs(world, set, sampling_decode(model, options));
}

KlPerSource evaluate_kl(const Communicator& world, const SamplingModel& policy, const Transformer& reference,
                        const EvaluationSet& set, const GenerateOptions& options) {
  const torch::NoGradGuard no_gradient;
  GenerateOptions single = options;
  single.sampling = SamplingOptions{};
  single.sampling.temperature = 1.0;
  single.samples = 1;
  const auto results = over_chunks(world, set, "KL", [&](std::size_t first, std::size_t last, const Tick& tick) {
    const auto sources = chunk_of(set, first, last);
    const auto samples = generate(policy, sources, single, at_every_step(tick));
    const SampleDataset pairs(sources, samples);
    std::vector<std::size_t> rows(pairs.size());
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    const Batch batch = make_batch(pairs, rows).to(policy.device());
    const auto p = log_probabilities(policy.model(), batch), q = log_probabilities(reference, batch);
    const auto kl = (p.exp() * (p - q)).sum(-1).to(torch::kCPU, torch::kFloat64);  // [target rows]
    std::vector<nlohmann::json> sums;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Candidate& sample = samples[i].front();
      const auto positions = static_cast<std::int64_t>(sample.tokens.size()) + (sample.finished ? 1 : 0);
      sums.push_back({kl.narrow(0, batch.targets.starts[i], positions).sum().item<double>(), positions});
    }
    return sums;
  });
  KlPerSource kl;
  for (const auto& result : results) {
    kl.sum.push_back(result[0]);
    kl.positions.push_back(result[1]);
  }
  return kl;
}

double KlPerSource::mean_per_position() const {
  return std::accumulate(sum.begin(), sum.end(), 0.0) / std::accumulate(positions.begin(), positions.end(), 0.0);
}

double distinct_n(const std::vector<std::string>& texts, std::size_t n) {
  std::set<std::string> seen;
  std::size_t total = 0;
  for (const std::string& text : texts) {
    std::istringstream in(text);
    std::vector<std::string> words{std::istream_iterator<std::string>(in), {}};
    for (std::size_t i = 0; i + n <= words.size(); ++i, ++total) {
      std::string gram;
      for (std::size_t j = i; j < i + n; ++j) gram += words[j] + ' ';
      seen.insert(std::move(gram));
    }
  }
  return total == 0 ? 0.0 : static_cast<double>(seen.size()) / static_cast<double>(total);
}

}  // namespace rest
