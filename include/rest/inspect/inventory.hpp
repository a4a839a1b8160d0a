#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace rest {

enum class ArtefactKind {
  tokenizer,
  corpus,
  corpus_report,
  policy,
  policy_config,
  step,  ///< step.json of an Improve step
  checkpoint,
  shard,
  reward,
  index,
  best,  ///< gN-best.json
  metrics,
  other,  ///< committed, but none of the above
};

/// Something a run commits, complete or not.
struct Artefact {
  std::filesystem::path path;  ///< relative to the run directory
  ArtefactKind kind = ArtefactKind::other;
  std::string made_by;         ///< "rest_grow --grow-step 1"; empty when unknown
  std::string name;            ///< of the corpus, reward or variant
  std::int64_t grow_step = 0;  ///< 0: of none
  std::int64_t improve_step = 0;
  std::int64_t number = 0;  ///< of the shard, or update of the checkpoint
};

/// What a path of a run (relative) is.
Artefact classify(const std::filesystem::path& path);

/// Whether the chain makes the one before the other; paths decide among equals.
bool made_before(const Artefact& a, const Artefact& b);

/// What lies in a run, in the order in which it is made.
struct Inventory {
  std::vector<Artefact> artefacts;                 ///< with a record, or with a name that should have one
  std::vector<std::filesystem::path> temporaries;  ///< *.tmp
  std::vector<std::filesystem::path> strangers;    ///< files that no program of the chain makes
};
Inventory take_inventory(const std::filesystem::path& run);

/// Folders of a run that hold committed artefacts, in the order in which they are made.
const std::vector<std::string>& artefact_folders();

/// "g2" is 2; 0 for any other name.
std::int64_t grow_step_of(const std::string& name);

}  // namespace rest
