#include "rest/inspect/status.hpp"

namespace rest {
namespace {

using nlohmann::json;

json to_json(const PolicyStatus& policy) {
  static const char* const states[] = {"absent", "in training", "complete", "moot"};
  json result = {
      {"policy", policy.name}, {"state", states[static_cast<int>(policy.state)]}, {"metrics", policy.metrics}};
  if (policy.checkpoint) result["checkpoint"] = *policy.checkpoint;
  if (policy.step.is_object()) result["step"] = policy.step;
  return result;
}

json to_json(const GrowStatus& grow) {
  json parts = json::array();
  for (const GrowStatus::Part& part : grow.parts) {
    parts.push_back({{"part", part.part}, {"of", part.of}, {"shards", part.shards}, {"expected", part.expected}});
  }
  return {{"step", grow.step},
          {"shards", grow.shards},
          {"expected", grow.expected ? json(*grow.expected) : json()},
          {"index", grow.indexed},
          {"complete", grow.complete()},
          {"parts", parts},
          {"scored", grow.scored}};
}

json to_json(const ImproveStatus& improve) {
  json steps = json::array();
  for (const PolicyStatus& step : improve.steps) steps.push_back(to_json(step));
  return {{"variant", improve.variant},
          {"grow_step", improve.grow_step},
          {"steps", steps},
          {"done", improve.done()},
          {"overrides", improve.overrides},
          {"best", improve.best.empty() ? json() : json(improve.best)}};
}

}  // namespace

json to_json(const RunStatus& status) {
  json result = {{"run", status.root.string()},        {"tokenizer", status.tokenizer}, {"prepared", status.prepared()},
                 {"initial", to_json(status.initial)}, {"disk", status.disk},           {"grow", json::array()},
                 {"improve", json::array()},           {"activities", json::array()},   {"corpora", json::object()}};
  result["checkpoints"] = {{"count", status.checkpoints}, {"bytes", status.checkpoint_bytes}};
  if (!status.experiment_problem.empty()) result["experiment_problem"] = status.experiment_problem;
  for (const auto& [name, sentences] : status.corpora) result["corpora"][name] = sentences ? json(*sentences) : json();
  for (const GrowStatus& grow : status.grow) result["grow"].push_back(to_json(grow));
  for (const ImproveStatus& improve : status.improve) result["improve"].push_back(to_json(improve));
  for (const Activity& one : status.activities) {
    result["activities"].push_back({{"work", one.work}, {"running", one.running}, {"status", one.status}});
  }
  const NextCommand next = next_command(status);
  result["next"] = {{"command", next.command.empty() ? json() : json(next.command)}, {"waits", next.waits}};
  return result;
}

}  // namespace rest
