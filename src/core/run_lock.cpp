#include "rest/core/run_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/utc.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::chrono::seconds pause_between_writes{2};

bool is_without_flock(int error) { return error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP; }

/// "rest_train on host a, process 12, job 34, since 2026-01-31T12:00:00Z"; nothing when the file says nothing.
std::string holder_in(const fs::path& file) {
  std::ifstream in(file);
  const json status = json::parse(in, nullptr, false);
  if (!status.is_object()) return {};
  const auto text = [&](const char* key) { return status.contains(key) ? status[key].get<std::string>() : "?"; };
  const std::string job = text("job");
  return concat(text("program"), " on host ", text("host"), ", process ", status.value("pid", 0),
                job.empty() ? "" : ", job " + job, ", since ", text("started"));
}

/// Who holds the work `name`, or a part of it.
std::string holder_of(const fs::path& folder, const std::string& name) {
  const std::string whole = holder_in(folder / (name + ".json"));
  if (!whole.empty()) return whole;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string file = entry.path().filename().string();
    if (entry.path().extension() != ".json" || file.rfind(name + ".part-", 0) != 0) continue;
    if (is_held(fs::path(entry.path()).replace_extension(".lock"))) return holder_in(entry.path());
  }
  return "another program";
}

}  // namespace

bool is_held(const fs::path& lock) {
  const int file = open(lock.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool held = flock(file, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(file);
  return held;
}

WorkName grow_work(std::int64_t grow_step, std::int64_t part, std::int64_t parts) {
  const std::string whole = concat("grow-g", grow_step);
  if (parts <= 1) return {whole, ""};
  return {concat(whole, ".part-", part, "-of-", parts), whole};
}

WorkName score_work(std::int64_t grow_step, const std::string& reward) {
  return {concat("score-g", grow_step, "-", reward), ""};
}

WorkName improve_work(const std::string& variant, std::int64_t grow_step) {
  std::string name = concat("improve-", variant, "-g", grow_step);
  std::replace(name.begin(), name.end(), '/', '_');
  return {name, ""};
}

WorkName evaluate_work(const fs::path& metrics) { return {"evaluate-" + metrics.stem().string(), ""}; }

RunLock::Descriptor::~Descriptor() {
  if (number_ >= 0) close(number_);
}

RunLock::RunLock(const RunDirectory& run, const WorkName& work, const std::string& program, int ranks)
    : folder_(run.locks()),
      work_(work),
      whole_(work.whole.empty() ? Descriptor() : take(work.whole, Mode::shared)),
      own_(take(work.name, Mode::exclusive)) {
  const char* job = std::getenv("SLURM_JOB_ID");
  status_ = {{"program", program},    {"host", host_name()},  {"pid", getpid()},
             {"job", job ? job : ""}, {"started", utc_now()}, {"ranks", ranks}};
  write_status({});
}

RunLock::~RunLock() {
  std::error_code ignored;
  fs::remove(folder_ / (work_.name + ".json"), ignored);
}

RunLock::Descriptor RunLock::take(const std::string& name, Mode mode) const {
  std::error_code error;
  fs::create_directories(folder_, error);
  const fs::path path = folder_ / (name + ".lock");
  // Closed in child processes: they must not keep the lock when this one is gone.
  Descriptor file(error ? -1 : open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (file.number() < 0) {
    throw Error("lock file " + path.string() + " cannot be opened", error ? error.message() : std::strerror(errno),
                "check the run directory's permissions");
  }
  const int operation = (mode == Mode::shared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  int status = flock(file.number(), operation);
  // Whoever looks whether it is held holds it for a moment, and a killed job's last process may need one to go.
  for (int tries = 0; status != 0 && errno == EWOULDBLOCK && tries < 20; ++tries) {
    usleep(100000);
    status = flock(file.number(), operation);
  }
  if (status == 0) return file;
  if (errno == EWOULDBLOCK) {
    throw UsageError("another program works on " + name + " of " + folder_.parent_path().string(),
                     holder_of(folder_, name), "wait for its end or stop it, or use another --run");
  }
  if (!is_without_flock(errno)) throw Error("flock of " + path.string() + " failed", std::strerror(errno));
  log_warning(concat(path.string(), " cannot be locked (", std::strerror(errno),
                     "): take care that no other program works on ", name));
  return file;
}

void RunLock::report(const ProgressFigures& figures) {
  const bool is_new = figures.label != label_;
  if (is_new || std::chrono::steady_clock::now() - written_ >= pause_between_writes) write_status(figures);
}

/// Other programs read it: replaced in one step. The work goes on when it cannot be written.
void RunLock::write_status(const ProgressFigures& figures) {
  written_ = std::chrono::steady_clock::now();
  label_ = figures.label;
  json status = status_;
  status.update({{"updated", utc_now()},
                 {"label", figures.label},
                 {"unit", figures.unit},
                 {"done", figures.done},
                 {"total", figures.total},
                 {"rate", figures.rate},
                 {"seconds_left", figures.seconds_left < 0.0 ? json() : json(figures.seconds_left)}});
  const fs::path file = folder_ / (work_.name + ".json"), unfinished = file.string() + ".tmp";
  std::ofstream out(unfinished);
  out << status.dump() << '\n';
  out.close();
  std::error_code error;
  if (out) fs::rename(unfinished, file, error);
  if (out && !error) return;
  fs::remove(unfinished, error);
  if (!status_fails_) log_warning("status file " + file.string() + " cannot be written");
  status_fails_ = true;
}

}  // namespace rest
