#include "rest/core/memory.hpp"

#include <cstdlib>
#include <fstream>
#include <string>

#include "rest/core/error.hpp"

namespace rest {
namespace {

/// A line of /proc/self/status. (getrusage() would also count what the process was before it became this program.)
std::int64_t status_bytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(key + ":", 0) == 0) return 1024 * std::atoll(line.c_str() + key.size() + 1);
  }
  throw Error("/proc/self/status has no " + key);
}

}  // namespace

std::int64_t resident_bytes() { return status_bytes("VmRSS"); }
std::int64_t peak_resident_bytes() { return status_bytes("VmHWM"); }

}  // namespace rest
