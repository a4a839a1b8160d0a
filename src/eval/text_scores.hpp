#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rest/core/experiment.hpp"
#include "rest/core/span.hpp"
#include "rest/eval/bootstrap.hpp"
#include "rest/text/metrics.hpp"

namespace rest {

/// Corpus scores over chosen sentences, from each sentence's statistics.
class CorpusScores {
 public:
  CorpusScores(const std::vector<std::string>& texts, const std::vector<std::string>& references);
  double bleu_of(Span<const std::size_t> chosen) const;
  double chrf_of(Span<const std::size_t> chosen) const;
  /// Words of all texts over words of all references.
  double length_ratio() const;

 private:
  std::vector<BleuStatistics> bleu_;
  std::vector<ChrfStatistics> chrf_;
};

/// One text a source and its reward.
struct OutputTexts {
  std::vector<double> reward;
  std::vector<std::string> text;
};

nlohmann::json interval_json(const Interval& interval);

/// {"reward", "bleu", "chrf"}: value, low, high over sources; "length_ratio".
nlohmann::json text_scores(const OutputTexts& output, const std::vector<std::string>& references,
                           const EvaluateOptions& options);

/// Differences "reward", "bleu" and "chrf" by the paired bootstrap of Koehn (2004) over sources: value, low, high,
/// p_value.
nlohmann::json paired_text_scores(const OutputTexts& ours, const OutputTexts& theirs,
                                  const std::vector<std::string>& references, const EvaluateOptions& options);

/// The same for the mean of one value a source.
nlohmann::json paired_means(const std::vector<double>& ours, const std::vector<double>& theirs,
                            const EvaluateOptions& options);

}  // namespace rest
