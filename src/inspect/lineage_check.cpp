#include "lineage_check.hpp"

#include <set>

#include "rest/core/error.hpp"
#include "rest/select/step_digest.hpp"
#include "rest/store/candidates.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* tokenizer_model = "tokenizer/tokenizer.model";

std::string corpus_path(const std::string& name) { return "corpus/" + name + ".h5"; }

std::string weights_of(const std::string& policy) {
  return (policy.find('/') == std::string::npos ? "policy/" : "improve/") + policy + "/model.safetensors";
}

/// A text of a committed JSON file; "" when it cannot be had.
std::string text_in(const fs::path& file, const char* key) {
  try {
    return read_json(file).value(key, "");
  } catch (const std::exception&) {
    return "";
  }
}

/// The source of an input by its name.
std::vector<std::string> named(const std::string& input, const std::map<std::string, std::string>& sources) {
  const auto found = sources.find(input);
  return found == sources.end() ? std::vector<std::string>{} : std::vector<std::string>{found->second};
}

json object_of(const Lineage& lineage, const char* key) {
  const auto found = lineage.find(key);
  return found != lineage.end() && found->is_object() ? *found : json::object();
}

bool is_policy_part(ArtefactKind kind) {
  return kind == ArtefactKind::policy || kind == ArtefactKind::policy_config || kind == ArtefactKind::step ||
         kind == ArtefactKind::checkpoint;
}

/// Weights in the same folder as another part of a policy.
std::string weights_beside(const Artefact& artefact) {
  fs::path folder = artefact.path.parent_path();
  if (artefact.kind == ArtefactKind::checkpoint) folder = folder.parent_path();
  return (folder / "model.safetensors").generic_string();
}

/// Part of a policy: a moot step leaves none.
bool has_weights(const CheckedArtefact& checked) {
  if (checked.artefact.kind != ArtefactKind::step) return is_policy_part(checked.artefact.kind);
  return checked.record && checked.record->lineage.is_object() && checked.record->lineage.value("kind", "") == "policy";
}

}  // namespace

LineageCheck::LineageCheck(const RunDirectory& run, const std::vector<CheckedArtefact>& artefacts) : run_(run) {
  for (const CheckedArtefact& checked : artefacts) {
    const Artefact& artefact = checked.artefact;
    known_[artefact.path.generic_string()] = {checked.record ? checked.record->sha256 : "",
                                              checked.trusted && checked.record};
    const bool learned = *artefact.path.begin() == "reward";  // nothing is grown from a reward
    if (has_weights(checked) && !learned) policies_.emplace(artefact.grow_step, weights_beside(artefact));
    if (artefact.kind == ArtefactKind::index && checked.record) {
      const json shards = object_of(checked.record->lineage, "options").value("shards", json());
      if (shards.is_number_integer()) shards_[artefact.grow_step] = shards;
    }
  }
}

void LineageCheck::distrust(const CheckedArtefact& checked) {
  known_[checked.artefact.path.generic_string()].trusted = false;
}

/// Weights that a policy or a Grow step may have been made from: those of the Improve step before, or, for the first
/// ones and for samples, any from before the Grow step.
std::vector<std::string> LineageCheck::policy_sources(const Artefact& artefact) const {
  if (artefact.improve_step > 1) {
    return {concat("improve/", artefact.name, "/g", artefact.grow_step, "-i", artefact.improve_step - 1,
                   "/model.safetensors")};
  }
  std::vector<std::string> sources;
  for (const auto& [grow_step, weights] : policies_) {
    if (grow_step < artefact.grow_step) sources.push_back(weights);
  }
  return sources;
}

/// What an input of this name must be among; nothing when nothing can be said.
std::vector<std::string> LineageCheck::sources(const Artefact& artefact, const std::string& input) const {
  const std::string train = corpus_path("train");
  switch (artefact.kind) {
    case ArtefactKind::corpus:
    case ArtefactKind::corpus_report:
      return named(input, {{"tokenizer", tokenizer_model}});
    case ArtefactKind::shard:
      if (input == "policy") return policy_sources(artefact);
      return named(input, {{"tokenizer", tokenizer_model}, {"corpus", train}});
    case ArtefactKind::reward: {
      const fs::path grow = fs::path("grow") / concat("g", artefact.grow_step);
      const std::string shard = shard_file(grow, artefact.number).generic_string();
      return named(input, {{"tokenizer", tokenizer_model}, {"corpus", train}, {"shard", shard}});
    }
    case ArtefactKind::index:
      return {(artefact.path.parent_path() / input).generic_string()};
    case ArtefactKind::metrics: {
      const std::string policy = text_in(run_.root() / artefact.path, "policy"),
                        corpus = text_in(run_.root() / artefact.path, "corpus");
      if (policy.empty() || corpus.empty()) return {};
      return named(
          input,
          {{"policy", weights_of(policy)}, {"corpus", corpus_path(corpus)}, {"initial_policy", weights_of("g0-i0")}});
    }
    default:
      if (!is_policy_part(artefact.kind)) return {};
      if (input == "policy") return policy_sources(artefact);
      return named(input, {{"corpus", train}, {"validation", corpus_path("valid")}});
  }
}

std::vector<LineageCheck::Input> LineageCheck::inputs(const CheckedArtefact& checked) const {
  std::vector<Input> found;
  const json recorded = object_of(checked.record->lineage, "inputs");
  for (const auto& [name, digest] : recorded.items()) {
    if (!digest.is_string() || digest == "") continue;
    Input input{name, digest, sources(checked.artefact, name)};
    if (!input.sources.empty()) found.push_back(std::move(input));
  }
  return found;
}

std::vector<fs::path> LineageCheck::missing(const CheckedArtefact& checked) const {
  std::vector<fs::path> paths;
  const auto need = [&](const fs::path& path) {
    if (known_.count(path.generic_string()) == 0) paths.push_back(path);
  };
  const Artefact& artefact = checked.artefact;
  const fs::path folder = artefact.path.parent_path();
  if (checked.record) {
    for (const Input& input : inputs(checked)) {
      if (input.sources.size() == 1) need(input.sources.front());
    }
  }
  if (artefact.kind == ArtefactKind::corpus) need(folder / (artefact.name + ".report.json"));
  if (artefact.kind == ArtefactKind::policy) need(folder / "config.json");
  if (artefact.kind == ArtefactKind::step && has_weights(checked)) need(weights_beside(artefact));
  if (artefact.kind == ArtefactKind::best) {
    const std::string policy = text_in(run_.root() / artefact.path, "policy");
    if (!policy.empty()) need(weights_of(policy));
  }
  // A program that was killed between the two leaves weights without a step; one that went on does not.
  const std::string best = concat("improve/", artefact.name, "/g", artefact.grow_step, "-best.json");
  if (artefact.kind == ArtefactKind::policy && known_.count(best) > 0) need(folder / "step.json");
  return paths;
}

std::string LineageCheck::problem(const CheckedArtefact& checked) const {
  if (!checked.record) return "";
  for (const Input& input : inputs(checked)) {
    bool certain = true;
    const Known* match = nullptr;
    for (const std::string& source : input.sources) {
      const auto found = known_.find(source);
      if (found == known_.end() || !found->second.trusted) certain = false;
      if (found == known_.end() || found->second.digest != input.digest) continue;
      if (match == nullptr || found->second.trusted) match = &found->second;
    }
    if (match != nullptr && match->trusted) continue;
    const std::string named = input.sources.size() == 1 ? input.sources.front() : "any policy it may come from";
    if (match != nullptr) return "it was made from " + named + " that itself is wrong";
    if (certain)
      return concat("made from a ", input.name, " of SHA-256 ", input.digest.substr(0, 12), ", which is not that of ",
                    named);
  }
  if (checked.artefact.kind == ArtefactKind::best) return best_problem(checked.artefact);
  return is_policy_part(checked.artefact.kind) ? candidates_problem(checked) : "";
}

/// The best policy of a step is named, not digested.
std::string LineageCheck::best_problem(const Artefact& artefact) const {
  const std::string policy = text_in(run_.root() / artefact.path, "policy");
  const auto weights = known_.find(weights_of(policy));
  return weights == known_.end() || weights->second.trusted ? "" : "it names " + policy + " that itself is wrong";
}

/// Improve steps record one digest of all shards and reward columns they saw.
std::string LineageCheck::candidates_problem(const CheckedArtefact& checked) const {
  const json recorded = object_of(checked.record->lineage, "inputs");
  const json options = object_of(checked.record->lineage, "options");
  const json of_reward = options.value("reward", json());
  // A program as a reward stands there with its command.
  const std::string reward = of_reward.is_object()   ? of_reward.value("name", "")
                             : of_reward.is_string() ? of_reward.get<std::string>()
                                                     : "";
  if (!recorded.contains("candidates") || reward.empty()) return "";
  const fs::path grow = fs::path("grow") / concat("g", checked.artefact.grow_step);
  const auto shards = shards_.find(checked.artefact.grow_step);
  if (shards == shards_.end()) return "";
  StepDigest digest;
  bool trusted = true;
  for (std::int64_t number = 0; number < shards->second; ++number) {
    const auto shard = known_.find(shard_file(grow, number).generic_string());
    const auto column = known_.find(reward_file(grow, reward, number).generic_string());
    if (shard == known_.end() || column == known_.end()) return "";
    trusted = trusted && shard->second.trusted && column->second.trusted;
    digest.add(number, shard->second.digest, reward, column->second.digest);
  }
  const bool same = digest.hex() == recorded["candidates"];
  if (same == trusted) return "";
  if (same) return concat("it was made from candidates of ", grow.string(), " that themselves are wrong");
  return trusted ? concat("made from other candidates or rewards than those of ", grow.string()) : "";
}

}  // namespace rest
