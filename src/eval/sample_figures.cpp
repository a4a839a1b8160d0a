#include "sample_figures.hpp"

#include <chrono>

#include "rest/eval/best_of_n.hpp"
#include "rest/eval/mbr.hpp"
#include "rest/text/metrics.hpp"

namespace rest {

nlohmann::json SampleFigures::operator()(std::size_t source, const std::vector<Candidate>& candidates) {
  const JudgedCandidates judged = judge_candidates(set_, source, candidates);
  nlohmann::json figures;
  if (largest_ > 0) figures["best_of"] = best_of(source, candidates, judged);
  if (mbr_) figures["mbr"] = mbr(candidates, judged);
  return figures;
}

nlohmann::json SampleFigures::best_of(std::size_t source, const std::vector<Candidate>& candidates,
                                      const JudgedCandidates& judged) const {
  std::vector<DrawnScores> drawn;
  std::size_t best = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const double chrf = sentence_chrf(judged.text[i], set_.corpus.target.text[source]);
    drawn.push_back({static_cast<double>(judged.reward[i]), chrf, candidates[i].count});
    if (judged.reward[i] > judged.reward[best]) best = i;
  }
  const BestOfCurve curve = best_of_curve(drawn, largest_);
  return {{"best_reward", curve.reward},
          {"chrf_of_best", curve.score},
          {"reward", judged.reward[best]},
          {"text", judged.text[best]}};
}

nlohmann::json SampleFigures::mbr(const std::vector<Candidate>& candidates, const JudgedCandidates& judged) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::uint32_t> counts;
  for (const Candidate& candidate : candidates) counts.push_back(candidate.count);
  const MbrChoice choice = minimum_bayes_risk(judged.text, counts);
  mbr_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return {{"expected_chrf", choice.expected_chrf},
          {"reward", judged.reward[choice.index]},
          {"text", judged.text[choice.index]}};
}

}  // namespace rest
