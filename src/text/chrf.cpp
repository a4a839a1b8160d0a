#include "characters.hpp"
#include "ngrams.hpp"
#include "rest/text/metrics.hpp"

namespace rest {
namespace {

constexpr std::size_t orders = chrf_orders;
constexpr double beta = 2.0;

}  // namespace

ChrfStatistics& ChrfStatistics::operator+=(const ChrfStatistics& other) {
  for (std::size_t i = 0; i < orders; ++i) {
    candidate[i] += other.candidate[i];
    reference[i] += other.reference[i];
    match[i] += other.match[i];
  }
  return *this;
}

ChrfStatistics chrf_statistics(const std::string& candidate, const std::string& reference) {
  const std::vector<std::uint32_t> candidate_characters = chrf_characters(candidate),
                                   reference_characters = chrf_characters(reference);
  const auto ours = sorted_suffixes<orders>(candidate_characters),
             theirs = sorted_suffixes<orders>(reference_characters);
  ChrfStatistics statistics;
  for (std::size_t i = 0; i < orders; ++i) {
    statistics.reference[i] = ngram_count(reference_characters.size(), i + 1);
    // sacreBLEU leaves out the candidate's n-grams of orders that the reference is too short for.
    statistics.candidate[i] = statistics.reference[i] > 0 ? ngram_count(candidate_characters.size(), i + 1) : 0;
    statistics.match[i] = shared_ngrams(ours, theirs, i + 1);
  }
  return statistics;
}

double chrf(const ChrfStatistics& statistics) {
  double precision = 0.0, recall = 0.0;
  int effective_orders = 0;
  for (std::size_t i = 0; i < orders; ++i) {
    if (statistics.candidate[i] == 0 || statistics.reference[i] == 0) continue;
    precision += static_cast<double>(statistics.match[i]) / static_cast<double>(statistics.candidate[i]);
    recall += static_cast<double>(statistics.match[i]) / static_cast<double>(statistics.reference[i]);
    ++effective_orders;
  }
  if (precision + recall == 0.0) return 0.0;
  precision /= effective_orders;
  recall /= effective_orders;
  return 100.0 * (1.0 + beta * beta) * precision * recall / (beta * beta * precision + recall);
}

double sentence_chrf(const std::string& candidate, const std::string& reference) {
  return chrf(chrf_statistics(candidate, reference));
}

std::string chrf_signature() { return "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.x-compatible"; }

}  // namespace rest
