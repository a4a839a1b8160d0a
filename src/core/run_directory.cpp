#include "rest/core/run_directory.hpp"

#include <algorithm>
#include <vector>

#include "rest/core/error.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

bool is_policy(const fs::path& directory) { return fs::exists(directory / "model.safetensors.commit.json"); }

std::vector<std::string> policies_of(const fs::path& root) {
  std::vector<std::string> names;
  const auto add = [&](const fs::path& folder, const std::string& prefix) {
    if (!fs::is_directory(folder)) return;
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (is_policy(entry.path())) names.push_back(prefix + entry.path().filename().string());
    }
  };
  add(root / "policy", "");
  if (fs::is_directory(root / "improve")) {
    for (const auto& variant : fs::directory_iterator(root / "improve")) {
      add(variant.path(), variant.path().filename().string() + "/");
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

fs::path RunDirectory::policy(const std::string& name) const {
  for (const fs::path& candidate : {root_ / "policy" / name, root_ / "improve" / name, fs::path(name)}) {
    if (is_policy(candidate)) return candidate;
  }
  std::string known;
  for (const std::string& policy : policies_of(root_)) known += (known.empty() ? "" : ", ") + policy;
  throw UsageError("policy \"" + name + "\" is not in run " + root_.string(),
                   known.empty() ? "the run has no complete policy" : "it has " + known,
                   "train it with rest_train or rest_improve, or name another");
}

}  // namespace rest
