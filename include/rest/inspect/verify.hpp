#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "rest/core/commit_check.hpp"
#include "rest/core/run_directory.hpp"

namespace rest {

class WholeRunLock;

/// One thing that is not as it should be.
struct Finding {
  enum class Severity { wrong, note } severity = Severity::wrong;
  /// What repair_run() does about it: nothing (made again anyway, or not its business), move the artefact with its
  /// record to damaged/, or delete it (temporaries).
  enum class Remedy { none, set_aside, remove } remedy = Remedy::none;
  std::filesystem::path where;  ///< relative to the run
  std::string what;             ///< "is damaged"
  std::string why;
  std::string made_by;  ///< "rest_grow --grow-step 1": the program that makes it (again); empty when none does

  /// "WHERE WHAT (WHY); COMMAND makes it again"
  std::string line() const;
};

struct VerifyOptions {
  Hashing hashing = Hashing::on;
  /// Of the caller, when it holds one: without it, what is unfinished while a program works is no more than noted.
  const WholeRunLock* lock = nullptr;
  /// Told after every artefact how many bytes of how many have been looked at.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

struct VerifyReport {
  std::vector<Finding> findings;  ///< in the order in which the run is made
  std::uint64_t artefacts = 0, bytes = 0;

  bool clean() const;  ///< nothing wrong; there may be notes
};

/// Looks at every committed artefact of a run, one at a time: its record, size and SHA-256, what it holds, and whether
/// what it was made from is what lies there now. An artefact made from another one that no longer fits does not fit
/// either. What is simply not there yet is not wrong. Nothing is written.
VerifyReport verify_run(const RunDirectory& run, const VerifyOptions& options = {});

/// Makes what is wrong count as absent, so that the programs make it again: damaged artefacts go to damaged/ below the
/// run, temporaries are deleted. The lock has been held since before the report was made.
void repair_run(const RunDirectory& run, const VerifyReport& report, const WholeRunLock& lock);

/// Programs that make again what is wrong, in the order of the chain, each once.
std::vector<std::string> programs_to_run(const VerifyReport& report);

}  // namespace rest
