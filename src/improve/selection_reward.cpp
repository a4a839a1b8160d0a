#include "selection_reward.hpp"

#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"
#include "rest/eval/halves.hpp"
#include "rest/grow/grow_step.hpp"

namespace rest {

double mean_of(const std::vector<double>& values) {
  double total = 0.0;
  for (const double value : values) total += value;
  return total / static_cast<double>(values.size());
}

void require_made_by(const Reward& reward, const std::filesystem::path& column) {
  const auto record = find_committed(column);
  if (!record) return;  // who reads it says so
  const nlohmann::json made_by =
      record->lineage.value("options", nlohmann::json()).value("reward.name", nlohmann::json());
  if (made_by == reward.identity()) return;
  throw Error(column.string() + " was made by another reward of this name",
              made_by.dump() + " there, " + reward.identity().dump() + " here",
              "give [reward] as it was for rest_score, or remove the column and run rest_score again");
}

SelectionReward::SelectionReward(const Experiment& experiment, const RunDirectory& run, torch::Device device)
    : experiment_(experiment),
      valid_(read_corpus(run.corpus("valid"))),
      tokenizer_(run.tokenizer()),
      reward_(make_reward(experiment.reward, run, device)) {}

std::vector<double> SelectionReward::by_source(const Communicator& world, const Policy& policy) const {
  GrowOptions sampling = experiment_.grow;
  sampling.temperature = experiment_.evaluate.temperature;
  sampling.samples = experiment_.improve.evaluate_samples;
  sampling.max_length = experiment_.evaluate.max_length;
  sampling.seed = experiment_.improve.seed;
  const EvaluationSet set{valid_, validation_half(valid_.size(), Half::select), tokenizer_, *reward_};
  return evaluate_outputs(world, SamplingModel(policy, experiment_.grow.precision), set, generate_options(sampling))
      .reward;
}

Evaluation SelectionReward::operator()(const Communicator& world, const Policy& policy) const {
  const double mean = mean_of(by_source(world, policy));
  return {mean, {{"reward", mean}}};
}

}  // namespace rest
