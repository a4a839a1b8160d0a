#include "rest/text/pairwise_chrf.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "characters.hpp"
#include "ngrams.hpp"
#include "rest/text/metrics.hpp"

namespace rest {
namespace {

constexpr std::size_t orders = chrf_orders;

/// A suffix of one of the texts, cut to the longest order.
struct Occurrence {
  std::array<std::uint32_t, orders> symbols;
  std::uint32_t text;
};

/// The texts that hold one n-gram, and how often each does.
struct Holders {
  std::vector<std::uint32_t> texts;
  std::vector<std::int32_t> counts;
};

/// All suffixes of all texts: equal n-grams stand together, and within the longest ones texts ascend.
std::vector<Occurrence> sorted_occurrences(const std::vector<std::vector<std::uint32_t>>& texts) {
  std::vector<Occurrence> occurrences;
  for (std::size_t text = 0; text < texts.size(); ++text) {
    for (const auto& suffix : sorted_suffixes<orders>(texts[text])) {
      occurrences.push_back({suffix, static_cast<std::uint32_t>(text)});
    }
  }
  std::sort(occurrences.begin(), occurrences.end(), [](const Occurrence& a, const Occurrence& b) {
    return a.symbols != b.symbols ? a.symbols < b.symbols : a.text < b.text;
  });
  return occurrences;
}

/// Calls `with(holders)` for every distinct n-gram of `order`.
template <class With>
void for_each_ngram(const std::vector<Occurrence>& occurrences, std::size_t order, std::size_t texts, With with) {
  const auto size = static_cast<std::ptrdiff_t>(order);
  std::vector<std::int32_t> count(texts, 0);
  Holders holders;
  for (auto first = occurrences.begin(), last = first; first != occurrences.end(); first = last) {
    holders.texts.clear();
    holders.counts.clear();
    for (; last != occurrences.end() &&
           std::equal(first->symbols.begin(), first->symbols.begin() + size, last->symbols.begin());
         ++last) {
      if (count[last->text]++ == 0) holders.texts.push_back(last->text);
    }
    for (const std::uint32_t text : holders.texts) {
      holders.counts.push_back(count[text]);
      count[text] = 0;
    }
    if (first->symbols[order - 1] != 0) with(holders);  // else too short a suffix: no n-gram
  }
}

/// N-grams of `order` that each two texts share, [texts, texts].
std::vector<std::int32_t> shared_by_pairs(const std::vector<Occurrence>& occurrences, std::size_t order,
                                          std::size_t texts) {
  std::vector<std::int32_t> shared(texts * texts, 0);
  for_each_ngram(occurrences, order, texts, [&](const Holders& holders) {
    for (std::size_t i = 0; i < holders.texts.size(); ++i) {
      std::int32_t* const row = shared.data() + holders.texts[i] * texts;
      for (std::size_t j = 0; j < holders.texts.size(); ++j) {
        row[holders.texts[j]] += std::min(holders.counts[i], holders.counts[j]);
      }
    }
  });
  return shared;
}

}  // namespace

PairwiseChrf::PairwiseChrf(const std::vector<std::string>& texts) : size_(texts.size()), scores_(size_ * size_) {
  std::vector<std::vector<std::uint32_t>> characters;
  for (const std::string& text : texts) characters.push_back(chrf_characters(text));
  const auto occurrences = sorted_occurrences(characters);
  std::array<std::vector<std::int32_t>, orders> shared;
  for (std::size_t i = 0; i < orders; ++i) shared[i] = shared_by_pairs(occurrences, i + 1, size_);
  for (std::size_t candidate = 0; candidate < size_; ++candidate) {
    for (std::size_t reference = 0; reference < size_; ++reference) {
      const std::size_t pair = candidate * size_ + reference;
      ChrfStatistics statistics;
      for (std::size_t i = 0; i < orders; ++i) {
        statistics.reference[i] = ngram_count(characters[reference].size(), i + 1);
        statistics.candidate[i] = statistics.reference[i] > 0 ? ngram_count(characters[candidate].size(), i + 1) : 0;
        statistics.match[i] = shared[i][pair];
      }
      scores_[pair] = chrf(statistics);
    }
  }
}

}  // namespace rest
