#include "text_check.hpp"

#include <map>

namespace rest {
namespace {

namespace fs = std::filesystem;

/// The key of [data] that names the file behind an input; "" when the input is no file of the user's.
std::string data_key(const Artefact& artefact, const std::string& input) {
  if (artefact.kind == ArtefactKind::tokenizer) return input == "model" ? "tokenizer" : input;
  const bool text = input == "source" || input == "target";
  return artefact.kind == ArtefactKind::corpus && text ? artefact.name + "_" + input : "";
}

std::string digest_of(const fs::path& file) { return fs::is_regular_file(file) ? sha256_of_file(file) : ""; }

}  // namespace

std::vector<Finding> changed_texts(const Experiment& experiment, const std::vector<CheckedArtefact>& artefacts) {
  std::vector<Finding> notes;
  std::map<std::string, std::string> digests;  // by key; the tokenizer and a corpus share texts
  const nlohmann::json data = options_json(experiment.data);
  for (const CheckedArtefact& checked : artefacts) {
    if (!checked.record || !checked.record->lineage.is_object()) continue;
    const nlohmann::json inputs = checked.record->lineage.value("inputs", nlohmann::json::object());
    for (const auto& [input, recorded] : inputs.items()) {
      const std::string key = data_key(checked.artefact, input);
      if (!data.contains(key) || !data[key].is_string()) continue;
      const std::string file = data[key];
      if (digests.count(key) == 0) digests[key] = digest_of(file);
      if (digests[key] == recorded) continue;
      notes.push_back({Finding::Severity::note, Finding::Remedy::none, checked.artefact.path,
                       "cannot be made again as it is",
                       "data." + key + ", " + file + (digests[key].empty() ? ", is not there" : ", has changed"), ""});
    }
  }
  return notes;
}

}  // namespace rest
