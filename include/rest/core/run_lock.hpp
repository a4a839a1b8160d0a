#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "rest/core/progress.hpp"
#include "rest/core/run_directory.hpp"

namespace rest {

/// What a program works on in a run. Two programs never work on the same at once.
struct WorkName {
  std::string name;   ///< of its files: locks/NAME.lock and locks/NAME.json
  std::string whole;  ///< a part's whole: parts work beside each other, but not beside the whole; empty for no part
};

/// "grow-g1", or with `parts` > 1 the part "grow-g1.part-2-of-8" of it (counted from 0): for array tasks that sample
/// their own ranges of shards beside each other.
WorkName grow_work(std::int64_t grow_step, std::int64_t part = 0, std::int64_t parts = 1);
WorkName score_work(std::int64_t grow_step, const std::string& reward);
WorkName improve_work(const std::string& variant, std::int64_t grow_step);
/// `metrics`: the metrics file of the evaluation.
WorkName evaluate_work(const std::filesystem::path& metrics);

/// Does a program hold this lock file exclusively? Asked by a shared lock, for the shortest time, so that two who ask
/// do not meet each other.
bool is_held(const std::filesystem::path& lock);

/// Keeps others from working on the same, and tells whoever looks how far the work is. One process of a job holds it
/// for as long as the job works; the kernel gives the lock back when that process ends, however it ends.
///
/// NAME.lock is held with flock(2) and always empty. NAME.json, replaced every two seconds at most (and when the label
/// changes) and removed at an orderly end, has program, host, pid, job (of Slurm), started, updated, ranks, label,
/// unit, done, total, rate and seconds_left; where the lock is not held it is left over from a program that was killed.
class RunLock {
 public:
  /// Throws UsageError naming who holds it: program, host, process, job and since when. On a file system without flock
  /// there is a warning instead of a lock.
  RunLock(const RunDirectory& run, const WorkName& work, const std::string& program, int ranks);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  void report(const ProgressFigures& figures);

 private:
  /// A descriptor that closes itself: the lock on the file goes with it.
  class Descriptor {
   public:
    explicit Descriptor(int number = -1) : number_(number) {}
    Descriptor(Descriptor&& other) noexcept : number_(other.number_) { other.number_ = -1; }
    Descriptor& operator=(Descriptor&&) = delete;
    ~Descriptor();
    int number() const { return number_; }

   private:
    int number_;
  };
  enum class Mode { shared, exclusive };
  Descriptor take(const std::string& name, Mode mode) const;
  void write_status(const ProgressFigures& figures);

  std::filesystem::path folder_;
  WorkName work_;
  nlohmann::json status_;
  Descriptor whole_, own_;
  std::string label_;
  std::chrono::steady_clock::time_point written_;
  bool status_fails_ = false;
};

}  // namespace rest
