#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/improve/improve_step.hpp"
#include "rest/select/view.hpp"
#include "rest/train/trainer.hpp"

namespace rest {

/// What a step trains on, and the filter that chose it; not mixed yet (CandidateView::mix).
struct StepCandidates {
  StepCandidates(std::unique_ptr<Filter> chooser, const ScoredStep& step, Unfinished unfinished, std::size_t threads)
      : filter(std::move(chooser)), view(step, *filter, unfinished, threads) {}
  std::unique_ptr<Filter> filter;
  CandidateView view;
};

/// What the Improve steps i0 ... iI of one Grow step and variant are to do: the experiment's options by step, and the
/// candidates they choose from. Step 0 takes all of D_g, whatever the filter.
class ImproveSteps {
 public:
  /// `experiment` must outlive this. Throws Error naming what the Grow step lacks, UsageError when the request is for a
  /// step there is none of.
  ImproveSteps(const Experiment& experiment, const RunDirectory& run, const ImproveRequest& request);

  ImproveSteps(const ImproveSteps&) = delete;  // scored_ refers to corpus_
  ImproveSteps& operator=(const ImproveSteps&) = delete;

  std::int64_t last() const { return static_cast<std::int64_t>(thresholds_.size()); }  ///< I
  std::vector<std::int64_t> requested() const;
  std::string name(std::int64_t step) const;  ///< "bc/g1-i2"
  std::string filter_name(std::int64_t step) const { return step == 0 ? "threshold" : improve_.filter; }
  double threshold(std::int64_t step) const {
    return step == 0 ? -1.0 : thresholds_.at(static_cast<std::size_t>(step - 1));
  }
  std::unique_ptr<Filter> filter(std::int64_t step) const { return make_filter(filter_name(step), threshold(step)); }
  StepCandidates candidates(std::int64_t step) const;
  /// `model_dropout` is that of the policy's configuration.
  TrainerOptions trainer_options(std::int64_t step, double model_dropout) const;

  const CorpusSources& corpus() const { return corpus_; }
  const ScoredStep& scored() const { return scored_; }

 private:
  const ImproveOptions& improve_;
  ImproveRequest request_;
  std::vector<double> thresholds_;
  CorpusSources corpus_;
  ScoredStep scored_;
};

nlohmann::json to_json(const RewardSummary& summary);

}  // namespace rest
