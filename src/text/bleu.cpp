#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "ngrams.hpp"
#include "rest/text/metrics.hpp"

namespace rest {
namespace {

constexpr std::size_t orders = 4;

// Words as numbers from 1, equal words equal numbers.
class WordNumbers {
 public:
  std::vector<std::uint32_t> operator()(const std::vector<std::string>& words) {
    std::vector<std::uint32_t> numbers;
    for (const std::string& word : words) {
      numbers.push_back(numbers_.emplace(word, static_cast<std::uint32_t>(numbers_.size() + 1)).first->second);
    }
    return numbers;
  }

 private:
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

enum class Orders { all, effective };

// An order without a match is smoothed to 1 / 2^k matches, k counting such orders ("exp").
double bleu(const BleuStatistics& statistics, Orders kind) {
  const auto& [correct, total, candidate_length, reference_length] = statistics;
  if (std::all_of(correct.begin(), correct.end(), [](std::int64_t n) { return n == 0; })) return 0.0;
  double smoothing = 1.0, log_sum = 0.0;
  std::size_t order = 0;
  for (; order < orders && total[order] > 0; ++order) {
    const auto candidates = static_cast<double>(total[order]);
    if (correct[order] == 0) smoothing *= 2.0;
    log_sum += std::log(correct[order] == 0 ? 100.0 / (smoothing * candidates)
                                            : 100.0 * static_cast<double>(correct[order]) / candidates);
  }
  if (order < orders && kind == Orders::all) return 0.0;
  const double shortfall = static_cast<double>(reference_length) / static_cast<double>(candidate_length);
  const double brevity_penalty = candidate_length < reference_length ? std::exp(1.0 - shortfall) : 1.0;
  return brevity_penalty * std::exp(log_sum / static_cast<double>(order));
}

}  // namespace

BleuStatistics& BleuStatistics::operator+=(const BleuStatistics& other) {
  for (std::size_t i = 0; i < orders; ++i) {
    correct[i] += other.correct[i];
    total[i] += other.total[i];
  }
  candidate_length += other.candidate_length;
  reference_length += other.reference_length;
  return *this;
}

BleuStatistics bleu_statistics(const std::string& candidate, const std::string& reference) {
  WordNumbers number;
  const std::vector<std::uint32_t> candidate_words = number(tokenize_13a(candidate)),
                                   reference_words = number(tokenize_13a(reference));
  const auto ours = sorted_suffixes<orders>(candidate_words), theirs = sorted_suffixes<orders>(reference_words);
  BleuStatistics statistics;
  statistics.candidate_length = static_cast<std::int64_t>(candidate_words.size());
  statistics.reference_length = static_cast<std::int64_t>(reference_words.size());
  for (std::size_t i = 0; i < orders; ++i) {
    statistics.total[i] = ngram_count(candidate_words.size(), i + 1);
    statistics.correct[i] = shared_ngrams(ours, theirs, i + 1);
  }
  return statistics;
}

double corpus_bleu(const BleuStatistics& statistics) { return bleu(statistics, Orders::all); }

double sentence_bleu(const std::string& candidate, const std::string& reference) {
  return bleu(bleu_statistics(candidate, reference), Orders::effective);
}

std::string bleu_signature() { return "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.x-compatible"; }

}  // namespace rest
