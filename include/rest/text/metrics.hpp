#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace rest {

/// Counts behind a BLEU score (Papineni et al. 2002); they add up over sentences.
struct BleuStatistics {
  std::array<std::int64_t, 4> correct{}, total{};  ///< n-grams of order 1 to 4: clipped matches, candidates
  std::int64_t candidate_length = 0, reference_length = 0;
  BleuStatistics& operator+=(const BleuStatistics&);
};

/// Tokenizer "13a" of sacreBLEU (mteval-v13a).
std::vector<std::string> tokenize_13a(const std::string& line);
BleuStatistics bleu_statistics(const std::string& candidate, const std::string& reference);
/// Corpus BLEU in [0, 100], smoothing "exp", as sacreBLEU's default.
double corpus_bleu(const BleuStatistics&);
/// Sentence BLEU in [0, 100]: effective order and "exp" smoothing, as sacreBLEU's sentence_bleu.
double sentence_bleu(const std::string& candidate, const std::string& reference);
/// "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.x-compatible" as printed beside scores.
std::string bleu_signature();

/// Counts behind chrF (Popovic 2015): character n-grams of order 1 to 6, no word n-grams, no white space, beta 2.
struct ChrfStatistics {
  std::array<std::int64_t, 6> candidate{}, reference{}, match{};
  ChrfStatistics& operator+=(const ChrfStatistics&);
};
ChrfStatistics chrf_statistics(const std::string& candidate, const std::string& reference);
/// chrF2 in [0, 100], as sacreBLEU's (order averaging over effective orders, no epsilon smoothing).
double chrf(const ChrfStatistics&);
double sentence_chrf(const std::string& candidate, const std::string& reference);
std::string chrf_signature();

}  // namespace rest
