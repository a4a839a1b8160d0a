#include "rest/inspect/status.hpp"

#include <algorithm>
#include <cstdio>
#include <set>

#include "rest/core/commit_check.hpp"
#include "rest/core/entries_of.hpp"
#include "rest/inspect/inventory.hpp"
#include "rest/store/candidates.hpp"
#include "rest/store/content.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool is_complete(const fs::path& path) { return check_committed(path, Hashing::off).state == CommitState::complete; }

/// A committed JSON object; null when it is not there or cannot be read.
json read_committed(const fs::path& file) {
  if (!is_complete(file)) return nullptr;
  try {
    return read_json(file);
  } catch (const std::exception&) {
    return nullptr;
  }
}

void read_experiment(RunStatus& status) {
  const fs::path file = status.root / "experiment.toml";
  if (!fs::exists(file)) return;
  try {
    status.experiment = load_experiment(file);
  } catch (const std::exception& problem) {
    status.experiment_problem = problem.what();
  }
}

void read_corpora(RunStatus& status, const RunDirectory& run) {
  std::set<std::string> names = {"train", "valid"};
  if (status.experiment && !status.experiment->data.test_source.empty()) names.insert("test");
  if (status.experiment && !status.experiment->data.monolingual_source.empty()) names.insert("monolingual");
  for (const fs::path& entry : entries_of(status.root / "corpus")) {
    if (entry.extension() == ".h5") names.insert(entry.stem().string());
  }
  for (const std::string& name : names) {
    auto& sentences = status.corpora[name];
    if (!is_complete(run.corpus(name))) continue;
    try {
      sentences = corpus_size(run.corpus(name));
    } catch (const std::exception&) {
    }
  }
}

std::optional<std::int64_t> newest_checkpoint(const fs::path& policy) {
  std::optional<std::int64_t> newest;
  for (const fs::path& entry : entries_of(policy / "checkpoints")) {
    long long update = 0;
    if (entry.has_extension() || std::sscanf(entry.filename().c_str(), "update-%lld", &update) != 1) continue;
    if (is_complete(entry)) newest = std::max<std::int64_t>(newest.value_or(0), update);
  }
  return newest;
}

PolicyStatus read_policy(const RunDirectory& run, const std::string& name, const fs::path& directory) {
  PolicyStatus policy;
  policy.name = name;
  policy.step = read_committed(directory / "step.json");
  policy.checkpoint = newest_checkpoint(directory);
  const bool weights = is_complete(directory / "model.safetensors");
  const bool improved = name.find('/') != std::string::npos;
  if (policy.step.is_object() && policy.step.value("moot", false)) {
    policy.state = PolicyStatus::State::moot;
  } else if (weights && (!improved || policy.step.is_object())) {
    policy.state = PolicyStatus::State::complete;
  } else if (policy.checkpoint || fs::exists(directory / "checkpoints")) {
    policy.state = PolicyStatus::State::in_training;
  }
  std::string file = name;
  std::replace(file.begin(), file.end(), '/', '_');
  for (const char* corpus : {"valid", "test"}) {
    json metrics = read_committed(run.metrics() / (file + "." + corpus + ".json"));
    if (!metrics.is_object()) continue;
    metrics.erase("per_source");
    policy.metrics[corpus] = std::move(metrics);
  }
  return policy;
}

std::int64_t count_shards(const std::vector<bool>& there, std::int64_t first, std::int64_t last) {
  const auto size = static_cast<std::int64_t>(there.size());
  return std::count(there.begin() + std::min(first, size), there.begin() + std::min(last, size), true);
}

/// Array jobs are known by the locks of their parts.
std::int64_t parts_of(const fs::path& root, std::int64_t step) {
  std::int64_t parts = 0;
  for (const fs::path& entry : entries_of(root / "locks")) {
    long long grow = 0, part = 0, of = 0;
    if (std::sscanf(entry.filename().c_str(), "grow-g%lld.part-%lld-of-%lld.", &grow, &part, &of) == 3 &&
        grow == step) {
      parts = std::max<std::int64_t>(parts, of);
    }
  }
  return parts;
}

/// Which of the shards (or their reward columns) below a folder are complete.
std::vector<bool> complete_shards(const fs::path& folder, ArtefactKind kind, const fs::path& root) {
  std::vector<bool> there;
  for (const fs::path& entry : entries_of(folder)) {
    const Artefact artefact = classify(entry.lexically_relative(root));
    if (artefact.kind != kind || !is_complete(entry)) continue;
    const auto number = static_cast<std::size_t>(artefact.number);
    if (number >= there.size()) there.resize(number + 1);
    there[number] = true;
  }
  return there;
}

GrowStatus read_grow(const RunStatus& status, const RunDirectory& run, std::int64_t step) {
  GrowStatus grow;
  grow.step = step;
  const fs::path folder = run.grow(step);
  const std::vector<bool> shards = complete_shards(folder, ArtefactKind::shard, status.root);
  grow.shards = std::count(shards.begin(), shards.end(), true);
  grow.indexed = is_complete(folder / "index.h5");
  const auto sentences = status.corpora.at("train");
  if (status.experiment && sentences) {
    const std::int64_t size = status.experiment->grow.sources_per_shard;
    grow.expected = (static_cast<std::int64_t>(*sentences) + size - 1) / size;
  }
  const std::int64_t parts = parts_of(status.root, step);
  for (std::int64_t part = 0; part < parts && grow.expected; ++part) {
    const std::int64_t first = part * *grow.expected / parts, last = (part + 1) * *grow.expected / parts;
    grow.parts.push_back({part, parts, count_shards(shards, first, last), last - first});
  }
  for (const fs::path& reward : entries_of(folder / "rewards")) {
    const auto scored = complete_shards(reward, ArtefactKind::reward, status.root);
    grow.scored[reward.filename().string()] = std::count(scored.begin(), scored.end(), true);
  }
  return grow;
}

/// Recorded options of a step that are not the experiment's, as --set takes them.
std::vector<std::string> overrides_of(const fs::path& artefact, const Experiment& experiment) {
  std::vector<std::string> overrides;
  const auto record = find_committed(artefact);
  if (!record || !record->lineage.is_object()) return overrides;
  const json recorded = record->lineage.value("options", json::object()).value("improve", json::object());
  const json asked = options_json(experiment.improve);
  for (const auto& [key, value] : recorded.items()) {
    if (asked.contains(key) && asked[key] != value) overrides.push_back("improve." + key + "=" + value.dump());
  }
  return overrides;
}

ImproveStatus read_improve(const RunStatus& status, const RunDirectory& run, const std::string& variant,
                           std::int64_t grow_step) {
  ImproveStatus improve;
  improve.variant = variant;
  improve.grow_step = grow_step;
  std::int64_t last = status.experiment ? status.experiment->improve.steps : 0;
  const fs::path folder = status.root / "improve" / variant;
  for (const fs::path& entry : entries_of(folder)) {
    const Artefact artefact = classify((entry / "step.json").lexically_relative(status.root));
    if (artefact.grow_step == grow_step) last = std::max(last, artefact.improve_step);
  }
  const std::string prefix = variant + "/g" + std::to_string(grow_step) + "-i";
  for (std::int64_t step = 0; step <= last; ++step) {
    const fs::path directory = run.improve(variant, grow_step, step);
    improve.steps.push_back(read_policy(run, prefix + std::to_string(step), directory));
    if (!status.experiment || !improve.overrides.empty()) continue;
    improve.overrides = overrides_of(directory / "model.safetensors", *status.experiment);
    for (const fs::path& checkpoint : entries_of(directory / "checkpoints")) {
      if (improve.overrides.empty()) improve.overrides = overrides_of(checkpoint, *status.experiment);
    }
  }
  const json best = read_committed(folder / ("g" + std::to_string(grow_step) + "-best.json"));
  if (best.is_object()) improve.best = best.value("policy", "");
  return improve;
}

/// The variant that the experiment names comes first.
std::vector<std::string> variants_of(const RunStatus& status) {
  std::vector<std::string> variants;
  for (const fs::path& entry : entries_of(status.root / "improve")) {
    if (fs::is_directory(entry)) variants.push_back(entry.filename().string());
  }
  const std::string named = status.experiment ? status.experiment->improve.loss : "bc";
  const auto found = std::find(variants.begin(), variants.end(), named);
  if (found != variants.end()) std::rotate(variants.begin(), found, found + 1);
  if (variants.empty()) variants.push_back(named);
  return variants;
}

std::uint64_t bytes_below(const fs::path& path) {
  std::error_code ignored;
  std::uint64_t bytes = fs::is_regular_file(path, ignored) ? fs::file_size(path, ignored) : 0;
  for (const fs::path& entry : entries_of(path)) bytes += bytes_below(entry);
  return bytes;
}

void count_checkpoints(RunStatus& status, const fs::path& folder) {
  for (const fs::path& entry : entries_of(folder)) {
    const Artefact artefact = classify(entry.lexically_relative(status.root));
    if (artefact.kind == ArtefactKind::checkpoint) {
      ++status.checkpoints;
      status.checkpoint_bytes += bytes_below(entry);
    } else {
      count_checkpoints(status, entry);
    }
  }
}

}  // namespace

std::int64_t ImproveStatus::done() const {
  return std::count_if(steps.begin(), steps.end(), [](const PolicyStatus& step) {
    return step.state == PolicyStatus::State::complete || step.state == PolicyStatus::State::moot;
  });
}

bool RunStatus::prepared() const {
  const bool corpora_there =
      std::all_of(corpora.begin(), corpora.end(), [](const auto& corpus) { return corpus.second.has_value(); });
  return experiment && tokenizer && corpora_there;
}

bool RunStatus::running() const {
  return std::any_of(activities.begin(), activities.end(), [](const Activity& one) { return one.running; });
}

std::vector<const PolicyStatus*> RunStatus::policies() const {
  std::vector<const PolicyStatus*> all{&initial};
  for (const ImproveStatus& one : improve) {
    for (const PolicyStatus& step : one.steps) all.push_back(&step);
  }
  return all;
}

std::vector<std::string> RunStatus::evaluated_corpora() const {
  std::vector<std::string> names{"valid"};
  if (corpora.count("test") > 0) names.push_back("test");
  return names;
}

RunStatus read_status(const RunDirectory& run) {
  RunStatus status;
  status.root = run.root();
  read_experiment(status);
  status.tokenizer = is_complete(run.tokenizer());
  read_corpora(status, run);
  status.initial = read_policy(run, "g0-i0", run.initial_policy());
  std::int64_t steps = status.experiment ? status.experiment->improve.grow_step : 1;
  for (const fs::path& entry : entries_of(run.root() / "grow")) {
    steps = std::max(steps, grow_step_of(entry.filename().string()));
  }
  const std::vector<std::string> variants = variants_of(status);
  for (std::int64_t step = 1; step <= steps; ++step) {
    status.grow.push_back(read_grow(status, run, step));
    for (const std::string& variant : variants) status.improve.push_back(read_improve(status, run, variant, step));
  }
  status.activities = find_activities(run);
  count_checkpoints(status, run.root() / "policy");
  count_checkpoints(status, run.root() / "improve");
  for (const fs::path& entry : entries_of(run.root())) status.disk[entry.filename().string()] = bytes_below(entry);
  return status;
}

}  // namespace rest
