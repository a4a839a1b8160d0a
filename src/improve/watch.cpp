#include "watch.hpp"

#include <ATen/Parallel.h>

#include "rest/comm/build_info.hpp"
#include "rest/core/committed.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

Experiment watching(Experiment experiment) {
  experiment.reward = watched(std::move(experiment.reward));
  return experiment;
}

fs::path file_in(const fs::path& directory) { return directory / "watch.json"; }

json to_json(const Watched& watched) {
  const Interval& change = watched.change.difference;
  return {{"before", watched.before}, {"after", watched.after}, {"change", change.value},
          {"low", change.low},        {"high", change.high},    {"p_value", watched.change.p_value}};
}

}  // namespace

std::string policy_digest(const fs::path& directory) {
  const auto record = find_committed(directory / "model.safetensors");
  return record ? record->sha256 : load_policy(directory).digest;
}

std::optional<Watched> read_watched(const fs::path& directory) {
  if (!find_committed(file_in(directory))) return std::nullopt;
  const json found = read_json(file_in(directory));
  return Watched{found.at("before"),
                 found.at("after"),
                 {{found.at("change"), found.at("low"), found.at("high")}, found.at("p_value")}};
}

Watch::Watch(const Experiment& experiment, const RunDirectory& run, torch::Device device)
    : experiment_(watching(experiment)), device_(device), reward_(experiment_, run, device) {}

Watched Watch::compare(const Communicator& world, const fs::path& directory, const fs::path& parent) const {
  const EvaluateOptions& evaluate = experiment_.evaluate;
  const Lineage lineage = make_lineage(
      "watch",
      {{"before", policy_digest(parent)}, {"after", policy_digest(directory)}, {"validation", reward_.corpus().digest}},
      {{"reward", reward_.reward().identity()},
       {"seed", experiment_.improve.seed},
       {"samples", experiment_.improve.evaluate_samples},
       {"precision", experiment_.grow.precision},
       {"evaluate",
        {{"temperature", evaluate.temperature},
         {"max_length", evaluate.max_length},
         {"bootstrap", evaluate.bootstrap}}}});
  if (is_committed(file_in(directory), lineage)) return read_watched(directory).value();
  const std::vector<double> before = reward_.by_source(world, load_policy(parent).to(device_)),
                            after = reward_.by_source(world, load_policy(directory).to(device_));
  Watched watched{mean_of(before), mean_of(after), {}};
  watched.change = paired_bootstrap(before.size(), evaluate.bootstrap, static_cast<std::uint64_t>(evaluate.seed),
                                    [&](Span<const std::size_t> chosen) {
                                      double total = 0.0;
                                      for (const std::size_t i : chosen) total += after[i] - before[i];
                                      return total / static_cast<double>(chosen.size());
                                    });
  if (world.is_root()) {
    json content = to_json(watched);
    content["reward"] = name();
    content["sources"] = before.size();
    commit_json(file_in(directory), content, lineage, made_by(world, at::get_num_threads(), device_name(device_)));
  }
  return watched;
}

}  // namespace rest
