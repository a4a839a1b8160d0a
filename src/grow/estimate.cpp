#include "rest/grow/estimate.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>

#include "estimate_report.hpp"
#include "rest/core/error.hpp"
#include "rest/core/log.hpp"
#include "rest/core/philox.hpp"
#include "rest/core/signals.hpp"
#include "rest/grow/step_cost.hpp"
#include "rest/select/permutation.hpp"
#include "shard_grower.hpp"

namespace rest {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t fewest_batches = 4;  // for an interval of any use

/// What batches took, over all ranks; entry by entry one batch.
struct BatchCosts {
  std::vector<double> sources, seconds, tokens;  ///< tokens: of all samples and originals, end pieces included
};

/// The sources to sample, in batches of about equal size that are no larger than a shard.
std::vector<std::vector<std::uint64_t>> batches_of(const ShardGrower& grower, std::int64_t sources,
                                                   std::int64_t per_shard, int ranks, const Philox& key) {
  sources = std::min(sources, static_cast<std::int64_t>(grower.corpus_size()));
  std::int64_t batches = std::max<std::int64_t>({fewest_batches, ranks, (sources + per_shard - 1) / per_shard});
  batches = std::min(sources, (batches + ranks - 1) / ranks * ranks);
  const Permutation spread(grower.corpus_size(), key);
  std::vector<std::vector<std::uint64_t>> chosen(static_cast<std::size_t>(batches));
  for (std::int64_t i = 0; i < sources; ++i) {
    chosen[static_cast<std::size_t>(i * batches / sources)].push_back(spread(static_cast<std::uint64_t>(i)));
  }
  return chosen;
}

void append(CandidateShard& shard, const CandidateShard& more) {
  const auto join = [](auto& values, const auto& further) {
    values.insert(values.end(), further.begin(), further.end());
  };
  join(shard.candidates_per_source, more.candidates_per_source);
  for (std::size_t i = 0; i < more.size(); ++i) shard.tokens.push_back(more.tokens[i]);
  join(shard.log_prob, more.log_prob);
  join(shard.sampling_log_prob, more.sampling_log_prob);
  join(shard.count, more.count);
  join(shard.finished, more.finished);
  join(shard.origin, more.origin);
}

/// This rank's share of the batches.
class BatchSampler {
 public:
  BatchSampler(const Communicator& world, const ShardGrower& grower, std::vector<std::vector<std::uint64_t>> batches)
      : world_(world), grower_(grower), batches_(std::move(batches)) {}

  /// Memory is mapped and kernels are chosen at first use: no part of what a long step costs.
  void warm_up() {
    if (first() < batches_.size()) grower_.sample(std::vector<std::uint64_t>{batches_[first()].front()}, tick());
  }

  /// Keeps the candidates of `kept_sources` sources.
  void sample(std::int64_t kept_sources) {
    for (std::size_t i = first(); i < batches_.size(); i += static_cast<std::size_t>(world_.size())) {
      const auto start = Clock::now();
      const CandidateShard shard = grower_.sample(batches_[i], tick());
      costs_.seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
      costs_.sources.push_back(static_cast<double>(batches_[i].size()));
      costs_.tokens.push_back(static_cast<double>(counts_.candidate_tokens));
      if (static_cast<std::int64_t>(kept_.sources()) < kept_sources) append(kept_, shard);
      if (!world_.is_root()) continue;
      log_info(concat("batch ", i + 1, " of ", batches_.size(), ": ", batches_[i].size(), " sources in ",
                      costs_.seconds.back(), " s"));
    }
  }

  /// Of all ranks. Collective.
  BatchCosts costs() const {
    return {all_gather(world_, costs_.sources), all_gather(world_, costs_.seconds), all_gather(world_, costs_.tokens)};
  }
  const CandidateShard& kept() const { return kept_; }

 private:
  std::size_t first() const { return static_cast<std::size_t>(world_.rank()); }

  std::function<void(const GenerateCounts&)> tick() {
    return [this](const GenerateCounts& counts) {
      counts_ = counts;
      if (stop_requested()) throw Stopped{};
    };
  }

  const Communicator& world_;
  const ShardGrower& grower_;
  std::vector<std::vector<std::uint64_t>> batches_;
  GenerateCounts counts_;  // of the batch in work
  BatchCosts costs_;
  CandidateShard kept_;
};

/// Runs `work`, which does not communicate, on every rank, and waits for all; false when one was stopped.
template <class Work>
bool unless_stopped(const Communicator& world, Work work) {
  bool stopped = false;
  try {
    work();
  } catch (const Stopped&) {
    stopped = true;
  }
  return !any(world, stopped);
}

json to_json(const Estimate& estimate) {
  json result{{"value", estimate.value}, {"low", estimate.low}};
  result["high"] = std::isfinite(estimate.high) ? json(estimate.high) : json();
  return result;
}

/// The step on `ranks` ranks: from costs a source to what the whole takes.
json step_costs(const GrowOptions& options, double sources, std::int64_t for_ranks, int threads,
                const BatchCosts& costs, const DiskCost& disk) {
  const auto per_shard = static_cast<double>(options.sources_per_shard), ranks = static_cast<double>(for_ranks);
  const double shards = std::ceil(sources / per_shard);
  const double samples = sources * static_cast<double>(options.samples);
  const Estimate source_seconds = ratio_over_batches(costs.seconds, costs.sources);
  // A shard is one rank's: the rank with the most ends last.
  const Estimate wall = source_seconds * std::min(sources, std::ceil(shards / ranks) * per_shard);
  const Estimate rank_hours = wall * (ranks / 3600.0);
  return {{"ranks", for_ranks},
          {"threads", threads},
          {"sources", sources},
          {"candidates", samples},
          {"shards", shards},
          {"sources_per_shard", options.sources_per_shard},
          {"tokens", to_json(ratio_over_batches(costs.tokens, costs.sources) * sources)},
          {"tokens_per_second", to_json(ratio_over_batches(costs.tokens, costs.seconds) * ranks)},
          {"seconds_per_source", to_json(source_seconds)},
          {"wall_seconds", to_json(wall)},
          {"rank_hours", to_json(rank_hours)},
          {"core_hours", to_json(rank_hours * threads)},
          {"disk_bytes", shards * disk.bytes_per_shard + samples * disk.bytes_per_sample}};
}

json measured(const Communicator& world, const BatchCosts& costs, const DiskCost& disk) {
  double sources = 0.0;
  for (const double batch : costs.sources) sources += batch;
  return {{"ranks", world.size()},
          {"batches", costs.sources.size()},
          {"sources", sources},
          {"batch_sources", costs.sources},
          {"batch_seconds", costs.seconds},
          {"batch_tokens", costs.tokens},
          {"shard", {{"samples", disk.samples}, {"rows", disk.rows}, {"pieces", disk.pieces}}},
          {"shard_bytes", disk.bytes},
          {"reward_bytes", disk.reward_bytes},
          {"plain_bytes", disk.plain_bytes},
          {"bytes_per_sample", disk.bytes_per_sample},
          {"bytes_per_piece", (disk.bytes + disk.reward_bytes) / disk.pieces},
          {"bytes_per_shard", disk.bytes_per_shard}};
}

void save(const std::string& file, const json& estimate) {
  std::ofstream out(file);
  out << estimate.dump(2) << '\n';
  out.close();
  if (!out) throw Error("cannot write " + file, "", "change --json");
}

}  // namespace

int estimate_grow_step(const Communicator& world, const Experiment& experiment, const RunDirectory& run,
                       const GrowRequest& step, const EstimateRequest& request) {
  const GrowOptions& options = experiment.grow;
  const ShardGrower grower(experiment, run, step.grow_step, step.policy, step.device);
  const std::int64_t per_shard = options.sources_per_shard;
  const std::int64_t sources =
      request.sources > 0 ? request.sources : per_shard * std::max<std::int64_t>(fewest_batches, world.size());
  const Philox key(Purpose::split, static_cast<std::uint64_t>(options.seed),
                   static_cast<std::uint64_t>(step.grow_step));
  BatchSampler sampler(world, grower, batches_of(grower, sources, per_shard, world.size(), key));
  if (!unless_stopped(world, [&] { sampler.warm_up(); })) return exit_stopped;
  if (!unless_stopped(world, [&] { sampler.sample(per_shard); })) return exit_stopped;
  const BatchCosts costs = sampler.costs();
  if (world.is_root()) {
    const DiskCost disk = measure_disk(sampler.kept(), grower.attributes());
    const double all = request.candidates > 0.0 ? request.candidates / static_cast<double>(options.samples)
                                                : static_cast<double>(grower.corpus_size());
    const std::int64_t ranks = request.for_ranks > 0 ? request.for_ranks : world.size();
    const json estimate{{"grow_step", step.grow_step},
                        {"policy", step.policy.string()},
                        {"samples", options.samples},
                        {"measured", measured(world, costs, disk)},
                        {"step", step_costs(options, all, ranks, request.threads, costs, disk)}};
    print_estimate(estimate);
    if (!request.json_file.empty()) save(request.json_file, estimate);
  }
  barrier(world);
  return exit_success;
}

}  // namespace rest
