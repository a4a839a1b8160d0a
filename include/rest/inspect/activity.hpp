#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "rest/core/run_directory.hpp"

namespace rest {

/// A piece of work on a run, from locks/WORK.lock and locks/WORK.json.
struct Activity {
  std::string work;       ///< "train", "grow-g1", "grow-g1.part-2-of-8", ...
  bool running = false;   ///< the lock is held; otherwise a killed program left its status
  nlohmann::json status;  ///< as the program last wrote it; null when it has not yet
};

/// Work in progress, and what killed programs left, by name. Nothing is written and no lock kept.
std::vector<Activity> find_activities(const RunDirectory& run);

/// Exclusive locks on all work of a run for as long as this lives, so that no program starts that was not there.
class WholeRunLock {
 public:
  /// Throws Error naming the work that is in progress.
  explicit WholeRunLock(const RunDirectory& run);
  ~WholeRunLock();
  WholeRunLock(const WholeRunLock&) = delete;
  WholeRunLock& operator=(const WholeRunLock&) = delete;

 private:
  std::vector<int> descriptors_;
};

}  // namespace rest
