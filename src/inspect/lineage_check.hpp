#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "rest/core/committed.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/inspect/inventory.hpp"

namespace rest {

/// What verification knows of an artefact.
struct CheckedArtefact {
  Artefact artefact;
  std::optional<CommitRecord> record;  ///< there whenever it can be read
  bool trusted = true;  ///< the record is right, so that its digest is that of the artefact once made again
};

/// Compares the digests of inputs that artefacts record with the digests of what lies there.
class LineageCheck {
 public:
  LineageCheck(const RunDirectory& run, const std::vector<CheckedArtefact>& artefacts);

  /// Why an artefact no longer fits what it was made from; "" when it fits or nothing can be said.
  std::string problem(const CheckedArtefact& checked) const;
  /// From now on its digest is one that nothing should be made from.
  void distrust(const CheckedArtefact& checked);
  /// What an artefact needs beside or before it and that is not there at all.
  std::vector<std::filesystem::path> missing(const CheckedArtefact& checked) const;

 private:
  struct Known {
    std::string digest;
    bool trusted;
  };
  /// The artefacts one of which an input must be.
  struct Input {
    std::string name, digest;
    std::vector<std::string> sources;
  };

  std::vector<std::string> sources(const Artefact& artefact, const std::string& input) const;
  std::vector<Input> inputs(const CheckedArtefact& checked) const;
  std::vector<std::string> policy_sources(const Artefact& artefact) const;
  std::string best_problem(const Artefact& artefact) const;
  std::string candidates_problem(const CheckedArtefact& checked) const;

  RunDirectory run_;
  std::map<std::string, Known> known_;                       // by path; those without a readable record have no digest
  std::set<std::pair<std::int64_t, std::string>> policies_;  // Grow step and path of their weights
  std::map<std::int64_t, std::int64_t> shards_;              // by Grow step, as its index has them
};

}  // namespace rest
