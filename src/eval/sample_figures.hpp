#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "rest/eval/evaluator.hpp"

namespace rest {

/// What ways of choosing among a source's samples make of them: one JSON object a source, {"best_of", "mbr"} as asked,
/// each with the "reward" and "text" of its choice.
class SampleFigures {
 public:
  /// `largest`: N of Best-of-N, 0 for none.
  SampleFigures(const EvaluationSet& set, std::int64_t largest, bool mbr) : set_(set), largest_(largest), mbr_(mbr) {}

  nlohmann::json operator()(std::size_t source, const std::vector<Candidate>& candidates);
  /// Spent on minimum Bayes risk so far, on this rank.
  double mbr_seconds() const { return mbr_seconds_; }

 private:
  nlohmann::json best_of(std::size_t source, const std::vector<Candidate>& candidates,
                         const JudgedCandidates& judged) const;
  nlohmann::json mbr(const std::vector<Candidate>& candidates, const JudgedCandidates& judged);

  const EvaluationSet& set_;
  std::int64_t largest_;
  bool mbr_;
  double mbr_seconds_ = 0.0;
};

/// One value of each source's `part`.
template <class Value>
std::vector<Value> of_each(const nlohmann::json& sources, const char* part, const char* key) {
  std::vector<Value> values;
  for (const auto& source : sources) values.push_back(source.at(part).at(key).template get<Value>());
  return values;
}

}  // namespace rest
