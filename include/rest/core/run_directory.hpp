#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

namespace rest {

/// Where things lie in a run. Nothing passes between programs but this directory.
///
///     tokenizer/tokenizer.model          corpus/{train,valid,test,monolingual}.h5
///     policy/g0-i0/                      grow/g1/{shard-00000.h5, rewards/chrf/shard-00000.h5, index.h5}
///     improve/<variant>/g1-i0/ ...       metrics/*.json   report/
class RunDirectory {
 public:
  explicit RunDirectory(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path tokenizer() const { return root_ / "tokenizer" / "tokenizer.model"; }
  std::filesystem::path corpus(const std::string& name) const { return root_ / "corpus" / (name + ".h5"); }
  std::filesystem::path initial_policy() const { return root_ / "policy" / "g0-i0"; }
  std::filesystem::path grow(std::int64_t step) const { return root_ / "grow" / ("g" + std::to_string(step)); }
  std::filesystem::path improve(const std::string& variant, std::int64_t grow_step, std::int64_t improve_step) const {
    return root_ / "improve" / variant / ("g" + std::to_string(grow_step) + "-i" + std::to_string(improve_step));
  }
  std::filesystem::path metrics() const { return root_ / "metrics"; }

  /// "g0-i0" or "<variant>/g1-i2" to its directory; or the path of a policy's directory.
  /// Throws UsageError listing the policies of the run when there is no such one.
  std::filesystem::path policy(const std::string& name) const;

 private:
  std::filesystem::path root_;
};

}  // namespace rest
