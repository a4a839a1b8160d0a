#include "rest/inspect/activity.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>

#include "rest/core/entries_of.hpp"
#include "rest/core/error.hpp"
#include "rest/core/run_lock.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

nlohmann::json read_status(const fs::path& file) {
  std::ifstream in(file);
  auto status = nlohmann::json::parse(in, nullptr, false);
  return status.is_object() ? status : nlohmann::json();
}

/// Locks of programs, and the one by which jobs/run_local.sh keeps a second one away.
std::vector<fs::path> lock_files(const RunDirectory& run) {
  std::vector<fs::path> files;
  for (const fs::path& entry : entries_of(run.locks())) {
    if (entry.extension() == ".lock") files.push_back(entry);
  }
  const fs::path local = run.root() / "report" / ".lock";
  if (fs::exists(local)) files.push_back(local);
  return files;
}

}  // namespace

std::vector<Activity> find_activities(const RunDirectory& run) {
  std::set<std::string> names;
  for (const fs::path& entry : entries_of(run.locks())) {
    if (entry.extension() == ".lock" || entry.extension() == ".json") names.insert(entry.stem().string());
  }
  std::vector<Activity> found;
  for (const std::string& name : names) {
    Activity activity{name, is_held(run.locks() / (name + ".lock")), read_status(run.locks() / (name + ".json"))};
    if (activity.running || !activity.status.is_null()) found.push_back(std::move(activity));
  }
  return found;
}

WholeRunLock::WholeRunLock(const RunDirectory& run) {
  for (const fs::path& file : lock_files(run)) {
    const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) descriptors_.push_back(descriptor);
    const bool locked = descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    if (locked) continue;
    const int number = errno;
    for (const int held : descriptors_) close(held);
    if (number != EWOULDBLOCK) throw Error(file.string() + " cannot be locked", std::strerror(number));
    throw Error(run.root().string() + " is in use", file.string() + " is held",
                "wait for the program or stop it; rest_status shows what it does");
  }
}

WholeRunLock::~WholeRunLock() {
  for (const int descriptor : descriptors_) close(descriptor);
}

}  // namespace rest
