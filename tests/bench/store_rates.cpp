// What storing and choosing candidates takes: the pieces that store.sh times. Each prints one line of JSON.
//
//   store_rates write FOLDER CANDIDATES          a synthetic scored Grow step with its corpus
//   store_rates view FOLDER FILTER TAU THREADS   seconds that a view of it takes, twice: the first verifies
//   store_rates read FOLDER WINDOWS              candidates a second of an epoch's first windows; peak resident bytes

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>

#include "bench/synthetic_step.hpp"
#include "rest/core/error.hpp"
#include "rest/core/memory.hpp"
#include "rest/select/view.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* reward_name = "synthetic";
fs::path corpus_file(const fs::path& folder) { return folder / "corpus.h5"; }
fs::path grow_folder(const fs::path& folder) { return folder / "g1"; }

double seconds(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

json write(const fs::path& folder, std::uint64_t candidates) {
  const SyntheticStep step(candidates);
  const fs::path grow = grow_folder(folder);
  fs::create_directories(grow);
  const json none = json::object();
  write_corpus(corpus_file(folder), step.corpus(), make_lineage("corpus", none, none));
  const std::string corpus = find_committed(corpus_file(folder)).value().sha256;
  double shard_seconds = 0.0, reward_seconds = 0.0;
  for (std::int64_t number = 0; number < step.shards(); ++number) {
    const CandidateShard shard = step.shard(number);
    const ShardAttributes attributes{32000, "synthetic", "synthetic", corpus, none};
    shard_seconds += seconds(
        [&] { write_shard(shard_file(grow, number), shard, attributes, make_lineage("candidates", none, none)); });
    const std::string digest = find_committed(shard_file(grow, number)).value().sha256;
    const RewardColumn column{reward_name, digest, step.rewards(shard, number), CandidateColumns(shard)};
    reward_seconds += seconds([&] {
      write_rewards(reward_file(grow, reward_name, number), column, make_lineage("reward", {{"shard", digest}}, none));
    });
  }
  const double index_seconds = seconds([&] { write_index(grow, step.shards(), {reward_name}); });
  return {{"candidates", step.candidates()},
          {"shard_seconds", shard_seconds},
          {"reward_seconds", reward_seconds},
          {"index_seconds", index_seconds}};
}

json view(const fs::path& folder, const std::string& filter_name, double threshold, std::size_t threads) {
  const CorpusSources corpus(corpus_file(folder));
  const ScoredStep step(grow_folder(folder), reward_name, corpus);
  json result;
  for (const char* pass : {"first_seconds", "again_seconds"}) {
    const auto filter = make_filter(filter_name, threshold);
    result[pass] = seconds([&] {
      const CandidateView view(step, *filter, Unfinished::left_out, threads);
      result["candidates"] = view.all().distinct;
      result["kept"] = view.kept().distinct;
    });
    if (filter->global_cut()) result["cut"] = *filter->global_cut();
  }
  return result;
}

/// Window after window as training reads them: the next one is loaded while one is in use.
json read(const fs::path& folder, std::uint64_t windows) {
  const std::int64_t before = resident_bytes();
  const CorpusSources corpus(corpus_file(folder));
  const ScoredStep step(grow_folder(folder), reward_name, corpus);
  ThresholdFilter everything(-1.0);
  const CandidateView view(step, everything);
  std::uint64_t candidates = 0;
  const double taken = seconds([&] {
    std::unique_ptr<const Dataset> in_use, next;
    for (std::uint64_t window = 0; window < std::min(windows, view.windows()); ++window) {
      next = view.load(1, 0, window);
      candidates += next->size();
      in_use = std::move(next);
    }
  });
  return {{"candidates", view.size()},
          {"rate", static_cast<double>(candidates) / taken},
          {"windows", view.windows()},
          {"peak_bytes", peak_resident_bytes() - before}};
}

int run(int argc, char** argv) {
  const std::string task = argc > 1 ? argv[1] : "";
  try {
    if (task == "write" && argc == 4)
      return std::cout << write(argv[2], std::strtoull(argv[3], nullptr, 10)) << '\n', 0;
    if (task == "view" && argc == 6) {
      return std::cout << view(argv[2], argv[3], std::atof(argv[4]), std::strtoul(argv[5], nullptr, 10)) << '\n', 0;
    }
    if (task == "read" && argc == 4) return std::cout << read(argv[2], std::strtoull(argv[3], nullptr, 10)) << '\n', 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
  std::fprintf(stderr,
               "usage: store_rates write FOLDER CANDIDATES | view FOLDER FILTER TAU THREADS | "
               "read FOLDER WINDOWS\n");
  return 2;
}

}  // namespace
}  // namespace rest

int main(int argc, char** argv) { return rest::run(argc, argv); }
