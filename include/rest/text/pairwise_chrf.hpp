#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace rest {

/// Sentence chrF of every text against every other, [texts, texts]: row = candidate, column = reference. Equal to
/// sentence_chrf() of each pair, with the n-grams of all texts sorted once instead of once a pair.
class PairwiseChrf {
 public:
  explicit PairwiseChrf(const std::vector<std::string>& texts);

  std::size_t size() const { return size_; }
  /// In [0, 100].
  double operator()(std::size_t candidate, std::size_t reference) const {
    return scores_[candidate * size_ + reference];
  }

 private:
  std::size_t size_;
  std::vector<double> scores_;
};

}  // namespace rest
