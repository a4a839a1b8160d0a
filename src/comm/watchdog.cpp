#include "rest/comm/watchdog.hpp"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <optional>
#include <thread>

#include "mpi_handle.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/signals.hpp"
#include "rest/core/utc.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

double processor_seconds() {
  timespec used = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

/// What a rank's file says, and how old it is by the clock of the file system.
struct Sign {
  double quiet = 0.0;  ///< seconds: since it began to wait, or last showed life while working
  std::string host, place;
  bool waiting = false;
  double modified = 0.0;  ///< seconds
};

std::optional<Sign> read_sign(const fs::path& file) {
  struct stat status = {};
  std::ifstream in(file);
  Sign sign;
  std::string state;
  if (!(in >> state >> sign.quiet >> sign.host) || !std::getline(in >> std::ws, sign.place)) return std::nullopt;
  if (stat(file.c_str(), &status) != 0) return std::nullopt;
  sign.waiting = state == "waiting";
  sign.modified = static_cast<double>(status.st_mtim.tv_sec) + 1e-9 * static_cast<double>(status.st_mtim.tv_nsec);
  return sign;
}

}  // namespace

class Watchdog::Watch {
 public:
  Watch(const Communicator& world, fs::path folder, double limit)
      : activity_(world.handle()->activity),
        rank_(world.rank()),
        ranks_(world.size()),
        folder_(std::move(folder)),
        limit_(limit),
        period_(std::clamp(limit / 20.0, 0.05, 30.0)) {
    std::error_code ignored;
    fs::create_directories(folder_, ignored);
    look();
  }

  void start() {
    thread_ = std::thread([this] { run(); });
  }

  ~Watch() {
    {
      const std::lock_guard<std::mutex> guard(mutex_);
      over_ = true;
    }
    end_.notify_one();
    if (thread_.joinable()) thread_.join();
    std::error_code ignored;
    fs::remove(file(rank_), ignored);
    fs::remove(folder_, ignored);  // the last one succeeds
  }

 private:
  fs::path file(int rank) const { return folder_ / std::to_string(rank); }

  void run() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!end_.wait_for(lock, std::chrono::duration<double>(period_), [&] { return over_; })) {
      look();
      // Rank 0 goes first: one of them is enough to say what is wrong.
      const bool too_long = waiting_ && quiet() > limit_ + (rank_ > 0 ? 2.0 * period_ : 0.0);
      const std::string reason = too_long ? why_in_vain() : std::string();
      suspicions_ = reason.empty() ? 0 : suspicions_ + 1;
      // Files of ranks that slept with their machine are old for a moment only.
      if (suspicions_ == 3) end_job(reason);
    }
  }

  double quiet() const { return seconds(Clock::now() - life_); }

  /// Notes whether the main thread showed life, and writes it down.
  void look() {
    const std::uint64_t changes = activity_->changes;
    const char* const call = activity_->call;
    const double used = processor_seconds();
    const auto now = Clock::now();
    waiting_ = call != nullptr;
    // This thread itself uses less than a hundredth of a processor.
    const bool works = !waiting_ && used - used_ > 0.01 * seconds(now - looked_);
    if (changes != changes_ || works) life_ = now;
    changes_ = changes;
    used_ = used;
    looked_ = now;
    place_ = call ? call : "own work";
    std::ofstream out(file(rank_).string() + ".tmp");
    out << (waiting_ ? "waiting " : "working ") << quiet() << ' ' << host_name() << ' ' << place_ << '\n';
    out.close();
    std::error_code error;
    if (out) fs::rename(file(rank_).string() + ".tmp", file(rank_), error);
    written_ = out && !error;
  }

  /// This rank has waited for too long: the ranks without life, or the calls in which all of them wait; empty when
  /// there is hope.
  std::string why_in_vain() const {
    const auto own = read_sign(file(rank_));
    if (!written_ || !own) return {};  // a file system that fails now says nothing about the others
    std::string lifeless, waiting;
    bool all_wait = true;
    for (int rank = 0; rank < ranks_; ++rank) {
      const auto sign = read_sign(file(rank));
      const double age = sign ? own->modified - sign->modified : limit_;
      if (!sign || age >= limit_ || (!sign->waiting && sign->quiet + age >= limit_)) {
        lifeless += concat(lifeless.empty() ? "" : "; ", "rank ", rank, sign ? " on host " + sign->host : "",
                           " has shown no life for ", static_cast<std::int64_t>(sign ? sign->quiet + age : age), " s",
                           sign ? ", last seen in " + sign->place : "");
      } else if (!sign->waiting || sign->quiet + age < limit_) {
        all_wait = false;
      } else {
        waiting += concat(waiting.empty() ? "" : "; ", "rank ", rank, " in ", sign->place);
      }
    }
    if (!lifeless.empty()) return lifeless;
    return all_wait ? "all ranks wait: " + waiting : std::string();
  }

  [[noreturn]] void end_job(const std::string& reason) const {
    log_error(concat("rank ", rank_, " on host ", host_name(), " has waited for ", static_cast<std::int64_t>(quiet()),
                     " s in ", place_, " (", reason, "); the job ends here: start it again to go on"));
    // MPI may not be called from this thread; a process that ends without MPI_Finalize makes the launcher end them all.
    _exit(exit_failure);
  }

  std::shared_ptr<const MpiActivity> activity_;
  int rank_, ranks_;
  fs::path folder_;
  double limit_, period_;  // seconds

  // Of the thread, after start().
  bool waiting_ = false, written_ = false;
  std::uint64_t changes_ = 0;
  double used_ = 0.0;
  Clock::time_point life_ = Clock::now(), looked_ = life_;
  std::string place_;
  int suspicions_ = 0;

  std::mutex mutex_;
  std::condition_variable end_;
  bool over_ = false;
  std::thread thread_;
};

Watchdog::Watchdog(const Communicator& world, fs::path folder, double limit_seconds) {
  if (!world.handle() || limit_seconds <= 0.0) return;
  watch_ = std::make_unique<Watch>(world, std::move(folder), limit_seconds);
  barrier(world);  // all files are there before one is looked for
  watch_->start();
}

Watchdog::~Watchdog() = default;

double watchdog_limit() {
  const char* const text = std::getenv("REST_WATCHDOG_SECONDS");
  if (!text) return 1800.0;
  char* end = nullptr;
  const double limit = std::strtod(text, &end);
  if (end == text || *end != '\0' || !(limit >= 0.0)) {
    throw UsageError(concat("REST_WATCHDOG_SECONDS is ", text), "", "give seconds, or 0 for no watchdog");
  }
  return limit;
}

}  // namespace rest
