#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "rest/core/experiment.hpp"
#include "rest/core/run_directory.hpp"
#include "rest/inspect/activity.hpp"

namespace rest {

/// A Grow step and its reward columns, by shards that are complete.
struct GrowStatus {
  /// Of an array job: `part` of `of` samples `expected` of the shards.
  struct Part {
    std::int64_t part, of, shards, expected;
  };
  std::int64_t step = 0, shards = 0;
  std::optional<std::int64_t> expected;  ///< none while there is no corpus or no experiment
  bool indexed = false;
  std::vector<Part> parts;
  std::map<std::string, std::int64_t> scored;  ///< shards by reward

  bool complete() const { return indexed && expected && shards == *expected; }
};

struct PolicyStatus {
  enum class State { absent, in_training, complete, moot } state = State::absent;
  std::string name;                               ///< "g0-i0" or "bc/g1-i2"
  std::optional<std::int64_t> checkpoint;         ///< update of the newest one
  nlohmann::json step;                            ///< step.json of an Improve step; null without
  std::map<std::string, nlohmann::json> metrics;  ///< by corpus, without what they say of single sources
};

/// The Improve steps of one Grow step and variant.
struct ImproveStatus {
  std::string variant;
  std::int64_t grow_step = 0;
  std::vector<PolicyStatus> steps;  ///< i0, i1, ...
  std::string best;                 ///< name of the best policy; empty until all steps are done
  /// "improve.seed=2": how the options it was begun with differ from the experiment's.
  std::vector<std::string> overrides;

  std::int64_t done() const;
};

struct RunStatus {
  std::filesystem::path root;
  std::optional<Experiment> experiment;  ///< none before rest_prepare has ended
  std::string experiment_problem;        ///< why it cannot be read
  bool tokenizer = false;
  std::map<std::string, std::optional<std::uint64_t>> corpora;  ///< sentences; none: not there yet
  PolicyStatus initial;
  std::vector<GrowStatus> grow;
  std::vector<ImproveStatus> improve;
  std::vector<Activity> activities;
  std::map<std::string, std::uint64_t> disk;            ///< bytes by part of the run
  std::uint64_t checkpoints = 0, checkpoint_bytes = 0;  ///< of all policies

  bool prepared() const;
  bool running() const;
  std::vector<const PolicyStatus*> policies() const;   ///< in the order of training
  std::vector<std::string> evaluated_corpora() const;  ///< those the chain evaluates on
};

/// What a run holds and what works on it, from commit records, step.json and locks/; nothing is hashed or written.
/// Steps that the experiment asks for and that are not there yet are listed too.
RunStatus read_status(const RunDirectory& run);

/// What the chain needs next.
struct NextCommand {
  std::string command;  ///< to paste into a shell; empty when the run is complete
  bool waits = false;   ///< for work that is in progress
};
NextCommand next_command(const RunStatus& status);

nlohmann::json to_json(const RunStatus& status);
std::string to_text(const RunStatus& status);

}  // namespace rest
