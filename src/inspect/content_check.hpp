#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/inspect/inventory.hpp"

namespace rest {

/// The artefact's own lineage is another than its commit record's: the record is wrong, the bytes are not.
class WrongRecord : public Error {
 public:
  using Error::Error;
};

/// Looks into the artefacts of a run, in the order in which they are made.
class ContentCheck {
 public:
  explicit ContentCheck(const RunDirectory& run) : run_(run) {}

  /// Throws Error, or what reading throws, when the artefact does not hold what its kind and its record say;
  /// WrongRecord when only the record is to blame.
  void check(const Artefact& artefact, const CommitRecord& record);

 private:
  struct ShardSize {
    std::uint64_t sources, candidates, tokens;
  };

  void check_tokenizer(const Artefact&, const CommitRecord&);
  void check_corpus(const Artefact&, const CommitRecord&);
  void check_corpus_report(const Artefact&, const CommitRecord&);
  void check_policy(const Artefact&, const CommitRecord&);
  void check_policy_config(const Artefact&, const CommitRecord&);
  void check_step(const Artefact&, const CommitRecord&);
  void check_checkpoint(const Artefact&, const CommitRecord&);
  void check_shard(const Artefact&, const CommitRecord&);
  void check_reward(const Artefact&, const CommitRecord&);
  void check_index(const Artefact&, const CommitRecord&);
  void check_best(const Artefact&, const CommitRecord&);
  void check_metrics(const Artefact&, const CommitRecord&);
  void require_whole_step(const Artefact& index, const std::vector<std::uint64_t>& source_offset) const;
  std::filesystem::path full(const Artefact& artefact) const { return run_.root() / artefact.path; }

  RunDirectory run_;
  // Of what has been looked at and is right.
  std::int64_t tokenizer_pieces_ = 0;
  std::map<std::string, std::uint64_t> sentences_;        // by corpus
  std::map<std::string, nlohmann::json> configurations_;  // by policy folder
  std::map<std::string, nlohmann::json> steps_;           // step.json by policy folder
  std::map<std::string, ShardSize> shards_;               // by path
};

}  // namespace rest
