#include "rest/grow/grow_step.hpp"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>

#include "rest/comm/agreement.hpp"
#include "rest/comm/build_info.hpp"
#include "rest/comm/work_queue.hpp"
#include "rest/core/counted.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/progress.hpp"
#include "rest/core/signals.hpp"
#include "shard_grower.hpp"

namespace rest {
namespace {

using Clock = std::chrono::steady_clock;

/// What this rank sampled in this run of the program.
struct GrowCounts {
  std::int64_t sources = 0, samples = 0, distinct = 0, pieces = 0, unfinished = 0;
  GenerateCounts generated;
  double writing = 0.0;  // seconds of the processor, and of waiting for the disk
};

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double ratio(std::uint64_t a, std::uint64_t b) {
  return b == 0 ? 0.0 : static_cast<double>(a) / static_cast<double>(b);
}

void add(GrowCounts& counts, const CandidateShard& shard) {
  counts.sources += static_cast<std::int64_t>(shard.sources());
  for (std::size_t i = 0; i < shard.size(); ++i) {
    if (shard.origin[i] == static_cast<std::uint8_t>(Origin::original)) continue;
    const std::int64_t count = shard.count[i];
    counts.samples += count;
    counts.distinct += 1;
    counts.pieces += count * static_cast<std::int64_t>(shard.tokens.length(i));
    counts.unfinished += shard.finished[i] ? 0 : count;
  }
}

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Writes each shard while the next one is sampled. HDF5 may be used by one thread at a time: by this one only.
class BackgroundWriter {
 public:
  void write(std::function<void()> work) {
    finish();
    pending_ = std::async(std::launch::async, [work = std::move(work)] {
      work();
      return thread_seconds();
    });
  }
  /// Throws what the last write threw, if it is over.
  void check() {
    if (pending_.valid() && pending_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) finish();
  }
  void finish() {
    if (!pending_.valid()) return;
    const auto start = Clock::now();
    pending_.wait();
    seconds_ += seconds_since(start);
    seconds_ += pending_.get();
  }
  /// What writing took from sampling: time of the processor, and of waiting for the last write.
  double seconds() const { return seconds_; }

 private:
  std::future<double> pending_;
  double seconds_ = 0.0;
};

/// Those of a range. Rank 0 looks at what is there, for all ranks: they would see each other's new shards.
std::vector<std::int64_t> missing_shards(const Communicator& world, const ShardGrower& grower,
                                         const ShardRange& range) {
  nlohmann::json missing = nlohmann::json::array();
  if (world.is_root()) {
    std::filesystem::create_directories(grower.directory());
    for (std::int64_t shard = range.first; shard < range.end; ++shard) {
      if (!is_committed(grower.file(shard), grower.lineage(shard))) missing.push_back(shard);
    }
  }
  return nlohmann::json::parse(broadcast(world, missing.dump()));
}

/// What all ranks have sampled, as the queue counts it.
enum Counter : std::size_t { counted_sources, counted_tokens, counted_rows };

WorkQueue::Counters to_counters(const GenerateCounts& counts) {
  WorkQueue::Counters counters{};
  counters[counted_sources] = static_cast<std::int64_t>(counts.sources);
  counters[counted_tokens] = static_cast<std::int64_t>(counts.candidate_tokens);
  counters[counted_rows] = static_cast<std::int64_t>(counts.computed_tokens);
  return counters;
}

std::string tokens_and_sharing(const WorkQueue::Counters& totals, double seconds) {
  const auto tokens = static_cast<std::uint64_t>(totals[counted_tokens]);
  const auto rows = static_cast<std::uint64_t>(totals[counted_rows]);
  return concat(with_digits(static_cast<double>(tokens) / std::max(seconds, 1e-3), 0), " candidate tokens/s, ", tokens,
                " candidate tokens from ", rows, " rows, ", with_digits(ratio(tokens, rows), 2), " a row");
}

/// Samples and writes shards until the queue is empty or a stop is requested.
GrowCounts grow_shards(const Communicator& world, const ShardGrower& grower, const std::vector<std::int64_t>& shards,
                       const ProgressSink& sink) {
  GrowCounts counts;
  std::int64_t total = 0;
  for (const std::int64_t shard : shards) total += grower.sources(shard);
  Progress progress("grow", "sources", static_cast<std::uint64_t>(total),
                    world.is_root() ? Progress::Output::enabled : Progress::Output::silent, sink);
  const auto start = Clock::now();
  WorkQueue queue(world, shards, [&](const WorkQueue::Counters& totals) {
    progress.update(static_cast<std::uint64_t>(totals[counted_sources]),
                    tokens_and_sharing(totals, seconds_since(start)));
  });
  const nlohmann::json sidecar = made_by(world, at::get_num_threads(), device_name(grower.device()));
  BackgroundWriter writer;  // ends before what it writes from
  GenerateCounts done;      // in shards that are complete
  const auto tick = [&](const GenerateCounts& now) {
    counts.generated = done + now;
    queue.progress(to_counters(counts.generated));
    writer.check();
    if (queue.stopped()) throw Stopped();
  };
  try {
    while (const auto shard = queue.next()) {
      auto sampled = std::make_shared<const CandidateShard>(grower.sample(*shard, tick));
      done = counts.generated;
      add(counts, *sampled);
      writer.write([&grower, &sidecar, sampled, number = *shard] {
        write_shard(grower.file(number), *sampled, grower.attributes(), grower.lineage(number), sidecar);
      });
    }
  } catch (const Stopped&) {
  }
  writer.finish();
  counts.writing = writer.seconds();
  return counts;
}

/// Where the time of all ranks went, most first.
void log_phases(const Communicator& world, const GrowCounts& mine) {
  std::vector<double> own(mine.generated.seconds.begin(), mine.generated.seconds.end());
  own.push_back(mine.writing);
  const std::vector<double> gathered = all_gather(world, Span<const double>(own));
  if (!world.is_root()) return;
  std::vector<std::pair<double, const char*>> phases;
  double total = 0.0;
  for (std::size_t phase = 0; phase < own.size(); ++phase) {
    double seconds = 0.0;
    for (std::size_t i = phase; i < gathered.size(); i += own.size()) seconds += gathered[i];
    phases.emplace_back(seconds, phase < phase_names.size() ? phase_names[phase] : "writing");
    if (phase < phase_names.size()) total += seconds;  // writing goes on beside the rest
  }
  std::sort(phases.rbegin(), phases.rend());
  for (const auto& [seconds, name] : phases) {
    log_info(concat("profile: ", name, " ", with_digits(seconds, 2), " s (", with_digits(100.0 * seconds / total, 1),
                    " %)"));
  }
}

void log_summary(const Communicator& world, const GrowCounts& mine, double seconds) {
  const auto total = [&](auto value) { return sum(world, static_cast<std::int64_t>(value)); };
  const std::int64_t sources = total(mine.sources), samples = total(mine.samples), distinct = total(mine.distinct);
  const std::int64_t pieces = total(mine.pieces), unfinished = total(mine.unfinished);
  const std::int64_t tokens = total(mine.generated.candidate_tokens), rows = total(mine.generated.computed_tokens);
  if (!world.is_root() || samples == 0) return;
  const auto share = [](std::int64_t a, std::int64_t b) {
    return ratio(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b));
  };
  log_info(concat(samples, " samples of ", sources, " sources: ", with_digits(100.0 * share(distinct, samples), 1),
                  " % distinct within their source, ", with_digits(share(pieces, samples), 1), " pieces on average, ",
                  unfinished, " cut at the maximum length"));
  log_info(concat(tokens, " candidate tokens in ", with_digits(seconds, 1), " s, ",
                  with_digits(static_cast<double>(tokens) / seconds, 0), " tokens/s on ", counted(world.size(), "rank"),
                  ", ", with_digits(share(tokens, rows), 2), " candidate tokens a decoded row"));
}

void complete_step(const ShardGrower& grower, bool sampled_any) {
  require_shards(grower.directory(), grower.shards());
  if (sampled_any || !find_committed(grower.directory() / "index.h5")) {
    write_index(grower.directory(), grower.shards(), {});
  }
}

}  // namespace

int run_grow_step(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                  const GrowRequest& request) {
  const std::int64_t grow_step = request.grow_step;
  const std::optional<GrowPart>& part = request.part;
  const ShardGrower grower(experiment, run, grow_step, request.policy, request.device);
  stop_point(world);
  const ShardRange range = part.value_or(GrowPart{}).range(grower.shards());
  const std::string of_part = part ? concat(" of part ", part->index, " of ", part->count) : "";
  const std::vector<std::int64_t> missing = missing_shards(world, grower, range);
  if (world.is_root()) {
    log_info(concat("Grow step ", grow_step, " from ", request.policy.string(), ": ", missing.size(), " of ",
                    range.end - range.first, " shards", of_part, " to sample, ", experiment.grow.samples,
                    " samples a source at temperature ", experiment.grow.temperature));
  }
  const auto start = Clock::now();
  const GrowCounts counts = missing.empty() ? GrowCounts{} : grow_shards(world, grower, missing, run.progress_sink());
  barrier(world);
  log_summary(world, counts, seconds_since(start));
  if (!missing.empty()) log_phases(world, counts);
  if (any(world, stop_requested())) {
    if (world.is_root()) log_info("stopped with complete shards kept; start again to go on");
    return exit_stopped;
  }
  if (world.is_root()) {
    if (!part) complete_step(grower, !missing.empty());
    log_info(concat("Grow step ", grow_step, ": all ", range.end - range.first, " shards", of_part, " are complete"));
  }
  barrier(world);
  return exit_success;
}

}  // namespace rest
