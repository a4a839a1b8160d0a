#include "estimate_report.hpp"

#include <cstddef>
#include <cstdio>
#include <string>

namespace rest {
namespace {

using nlohmann::json;

/// "12,345" or, below 100, "1.23".
std::string number(double value) {
  char text[64];
  std::snprintf(text, sizeof text, value < 100.0 ? "%.3g" : "%.0f", value);
  std::string result = text;
  if (value < 100.0) return result;
  for (auto at = static_cast<std::ptrdiff_t>(result.size()) - 3; at > 0; at -= 3) {
    result.insert(static_cast<std::size_t>(at), ",");
  }
  return result;
}

void print_line(const std::string& name, const json& estimate, double unit = 1.0) {
  const std::string high = estimate.at("high").is_null() ? "?" : number(estimate.at("high").get<double>() / unit);
  std::printf("  %-38s %14s  [%s, %s]\n", name.c_str(), number(estimate.at("value").get<double>() / unit).c_str(),
              number(estimate.at("low").get<double>() / unit).c_str(), high.c_str());
}

void print_time(const std::string& name, const json& seconds) {
  const double value = seconds.at("value");
  if (value < 120.0) return print_line(name + ", seconds", seconds);
  if (value < 7200.0) return print_line(name + ", minutes", seconds, 60.0);
  print_line(name + ", hours", seconds, 3600.0);
}

}  // namespace

void print_estimate(const json& estimate) {
  const json &step = estimate.at("step"), &sample = estimate.at("measured");
  const auto of = [](const json& part, const char* key) { return number(part.at(key).get<double>()); };
  std::printf("Grow step %s on %s ranks: %s candidates of %s sources in %s shards\n",
              estimate.at("grow_step").dump().c_str(), of(step, "ranks").c_str(), of(step, "candidates").c_str(),
              of(step, "sources").c_str(), of(step, "shards").c_str());
  std::printf("from %s sources in %s batches on %s ranks, taken to be as fast as the others\n",
              of(sample, "sources").c_str(), of(sample, "batches").c_str(), of(sample, "ranks").c_str());
  std::printf("  %-38s %14s  95 %% interval\n", "", "estimate");
  print_line("candidate tokens/s, all ranks", step.at("tokens_per_second"));
  print_line("seconds a source, on one rank", step.at("seconds_per_source"));
  print_line("candidate tokens, millions", step.at("tokens"), 1e6);
  print_time("wall time", step.at("wall_seconds"));
  print_line("core-hours", step.at("core_hours"));
  print_line("rank-hours (a rank a GPU: GPU-hours)", step.at("rank_hours"));
  std::printf("  %-38s %14s\n", "disk with one reward, MB", number(step.at("disk_bytes").get<double>() / 1e6).c_str());
  std::printf("  %-38s %14s  a stored piece %s, deflated to %.0f %% of plain arrays\n", "bytes a candidate drawn",
              of(sample, "bytes_per_sample").c_str(), of(sample, "bytes_per_piece").c_str(),
              100.0 * (sample.at("shard_bytes").get<double>() + sample.at("reward_bytes").get<double>()) /
                  sample.at("plain_bytes").get<double>());
  if (sample.at("sources").get<double>() <
      sample.at("batches").get<double>() * step.at("sources_per_shard").get<double>()) {
    std::printf("  batches smaller than a shard of %s sources: a whole one decodes more rows at a time, so is faster\n",
                of(step, "sources_per_shard").c_str());
  }
  if (step.at("ranks").get<double>() > step.at("shards").get<double>()) {
    std::printf("  more ranks than shards: the others would have no work; lower grow.sources_per_shard\n");
  }
  std::fflush(stdout);
}

}  // namespace rest
