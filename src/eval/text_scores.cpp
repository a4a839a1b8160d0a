#include "text_scores.hpp"

namespace rest {
namespace {

using Figure = std::function<double(Span<const std::size_t>)>;

nlohmann::json paired_json(std::size_t sources, const EvaluateOptions& options, const Figure& difference) {
  const PairedDifference paired =
      paired_bootstrap(sources, options.bootstrap, static_cast<std::uint64_t>(options.seed), difference);
  nlohmann::json result = interval_json(paired.difference);
  result["p_value"] = paired.p_value;
  return result;
}

}  // namespace

CorpusScores::CorpusScores(const std::vector<std::string>& texts, const std::vector<std::string>& references) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    bleu_.push_back(bleu_statistics(texts[i], references[i]));
    chrf_.push_back(chrf_statistics(texts[i], references[i]));
  }
}

double CorpusScores::bleu_of(Span<const std::size_t> chosen) const {
  BleuStatistics sum;
  for (const std::size_t i : chosen) sum += bleu_[i];
  return corpus_bleu(sum);
}

double CorpusScores::chrf_of(Span<const std::size_t> chosen) const {
  ChrfStatistics sum;
  for (const std::size_t i : chosen) sum += chrf_[i];
  return chrf(sum);
}

double CorpusScores::length_ratio() const {
  BleuStatistics sum;
  for (const auto& sentence : bleu_) sum += sentence;
  return static_cast<double>(sum.candidate_length) / static_cast<double>(sum.reference_length);
}

nlohmann::json interval_json(const Interval& interval) {
  return {{"value", interval.value}, {"low", interval.low}, {"high", interval.high}};
}

nlohmann::json text_scores(const OutputTexts& output, const std::vector<std::string>& references,
                           const EvaluateOptions& options) {
  const CorpusScores scores(output.text, references);
  const auto seed = static_cast<std::uint64_t>(options.seed);
  const auto over_sources = [&](const Figure& figure) {
    return interval_json(bootstrap_interval(references.size(), options.bootstrap, seed, figure));
  };
  return {{"reward", interval_json(bootstrap_mean(output.reward, options.bootstrap, seed))},
          {"bleu", over_sources([&](Span<const std::size_t> chosen) { return scores.bleu_of(chosen); })},
          {"chrf", over_sources([&](Span<const std::size_t> chosen) { return scores.chrf_of(chosen); })},
          {"length_ratio", scores.length_ratio()}};
}

nlohmann::json paired_means(const std::vector<double>& ours, const std::vector<double>& theirs,
                            const EvaluateOptions& options) {
  return paired_json(ours.size(), options, [&](Span<const std::size_t> chosen) {
    double total = 0.0;
    for (const std::size_t i : chosen) total += ours[i] - theirs[i];
    return total / static_cast<double>(chosen.size());
  });
}

nlohmann::json paired_text_scores(const OutputTexts& ours, const OutputTexts& theirs,
                                  const std::vector<std::string>& references, const EvaluateOptions& options) {
  const CorpusScores a(ours.text, references), b(theirs.text, references);
  const auto paired = [&](const Figure& difference) { return paired_json(references.size(), options, difference); };
  return {{"reward", paired_means(ours.reward, theirs.reward, options)},
          {"bleu", paired([&](Span<const std::size_t> chosen) { return a.bleu_of(chosen) - b.bleu_of(chosen); })},
          {"chrf", paired([&](Span<const std::size_t> chosen) { return a.chrf_of(chosen) - b.chrf_of(chosen); })}};
}

}  // namespace rest
