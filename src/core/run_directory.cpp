#include "rest/core/run_directory.hpp"

#include "rest/core/committed.hpp"
#include "rest/core/entries_of.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

bool is_policy(const fs::path& directory) { return find_committed(directory / "model.safetensors").has_value(); }

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
