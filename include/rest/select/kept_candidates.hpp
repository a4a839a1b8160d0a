#pragma once

#include <cstdint>
#include <vector>

#include "rest/select/dataset.hpp"
#include "rest/select/permutation.hpp"

namespace rest {

/// Candidates of a Grow step as training pairs in memory.
class KeptCandidates : public Dataset {
 public:
  KeptCandidates() = default;
  KeptCandidates(std::size_t candidates, std::size_t pieces);  ///< about as many as will come
  /// The source at `number` in the corpus, whose candidates are added next.
  void add_source(std::uint64_t number, Span<const Token> pieces);
  void add(Span<const Token> pieces, float weight, std::uint64_t id);
  void shuffle(const Permutation& order);

  std::size_t size() const override { return rows_.size(); }
  Example get(std::size_t i) const override {
    const Row& row = rows_[i];
    return {sources_[row.source], targets_[row.target], row.weight, row.id};
  }
  std::uint64_t source(std::size_t i) const { return numbers_[rows_[i].source]; }  ///< its position in the corpus

 private:
  struct Row {
    std::uint32_t source, target;
    float weight;
    std::uint64_t id;
  };
  Ragged<Token> sources_, targets_;
  std::vector<std::uint64_t> numbers_;  // of sources_
  std::vector<Row> rows_;
};

}  // namespace rest
