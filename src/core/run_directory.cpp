#include "rest/core/run_directory.hpp"

#include <algorithm>
#include <vector>

#include "rest/core/committed.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

bool is_policy(const fs::path& directory) { return find_committed(directory / "model.safetensors").has_value(); }

/// What lies in a folder; nothing when it is none or cannot be read.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

std::string policies_of(const fs::path& root) {
  std::string names;
  const auto add = [&](const fs::path& folder, const std::string& prefix) {
    for (const fs::path& entry : entries_of(folder)) {
      if (is_policy(entry)) names += (names.empty() ? "" : ", ") + prefix + entry.filename().string();
    }
  };
  add(root / "policy", "");
  for (const fs::path& variant : entries_of(root / "improve")) add(variant, variant.filename().string() + "/");
  return names;
}

}  // namespace

fs::path RunDirectory::policy(const std::string& name) const {
  for (const fs::path& candidate : {root_ / "policy" / name, root_ / "improve" / name, fs::path(name)}) {
    if (is_policy(candidate)) return candidate;
  }
  const std::string known = policies_of(root_);
  throw UsageError("policy \"" + name + "\" is not in run " + root_.string(),
                   known.empty() ? "the run has no complete policy" : "it has " + known,
                   "train it with rest_train or rest_improve, or name another");
}

}  // namespace rest
