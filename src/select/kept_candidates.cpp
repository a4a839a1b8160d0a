#include "rest/select/kept_candidates.hpp"

namespace rest {

KeptCandidates::KeptCandidates(std::size_t candidates, std::size_t pieces) {
  rows_.reserve(candidates);
  targets_.offsets.reserve(candidates + 1);
  targets_.values.reserve(pieces);
}

void KeptCandidates::add_source(std::uint64_t number, Span<const Token> pieces) {
  numbers_.push_back(number);
  sources_.push_back(pieces);
}

void KeptCandidates::add(Span<const Token> pieces, float weight, std::uint64_t id) {
  const auto source = static_cast<std::uint32_t>(sources_.size() - 1),
             target = static_cast<std::uint32_t>(rows_.size());
  rows_.push_back({source, target, weight, id});
  targets_.push_back(pieces);
}

void KeptCandidates::shuffle(const Permutation& order) {
  std::vector<Row> shuffled;
  shuffled.reserve(rows_.size());
  for (std::size_t i = 0; i < rows_.size(); ++i) shuffled.push_back(rows_[order(i)]);
  rows_ = std::move(shuffled);
}

}  // namespace rest
