#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "rest/core/progress.hpp"

namespace rest {

/// Where things lie in a run. Nothing passes between programs but this directory.
///
///     tokenizer/tokenizer.model          corpus/{train,valid,test,monolingual}.h5
///     policy/g0-i0/                      grow/g1/{shard-00000.h5, rewards/chrf/shard-00000.h5, index.h5}
///     improve/<variant>/g1-i0/ ...       metrics/*.json   report/   log/   locks/
///     reward/<name>/ (learned)           ratings/<name>.tsv
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
  std::filesystem::path learned_rewards() const { return root_ / "reward"; }
  std::filesystem::path learned_reward(const std::string& name) const { return learned_rewards() / name; }
  std::filesystem::path ratings(const std::string& name) const { return root_ / "ratings" / (name + ".tsv"); }
  std::filesystem::path metrics() const { return root_ / "metrics"; }
  std::filesystem::path logs() const { return root_ / "log"; }
  std::filesystem::path locks() const { return root_ / "locks"; }

  /// Who is told how far the work in this run is (the live status of core/run_lock.hpp); empty: nobody.
  const ProgressSink& progress_sink() const { return sink_; }
  /// The same run, whose work is reported to `sink`.
  RunDirectory reporting_to(ProgressSink sink) const {
    RunDirectory run(*this);
    run.sink_ = std::move(sink);
    return run;
  }

  /// "g0-i0" or "<variant>/g1-i2" to its directory; or the path of a policy's directory.
  /// Throws UsageError listing the policies of the run when there is no such one.
  std::filesystem::path policy(const std::string& name) const;

 private:
  std::filesystem::path root_;
  ProgressSink sink_;
};

}  // namespace rest
