#include "estimate_options.hpp"

#include <CLI/CLI.hpp>

namespace rest {

void EstimateOptions::add_to(CLI::App& app) {
  auto* const asked = app.add_flag("--estimate", asked_,
                                   "Sample a few sources and tell what the step costs: tokens/s, time, core-hours, "
                                   "disk; nothing is written to the run");
  const auto add = [&](const char* name, auto& value, const char* help) {
    return app.add_option(name, value, help)->needs(asked);
  };
  add("--for-ranks", request_.for_ranks, "Estimate for so many ranks [those of this run]")->check(CLI::PositiveNumber);
  add("--sources", request_.sources, "Sources to sample for it [four shards' worth]")->check(CLI::PositiveNumber);
  add("--candidates", request_.candidates, "Candidates of the step, such as 890e6 [grow.samples of every source]")
      ->check(CLI::PositiveNumber);
  add("--json", request_.json_file, "File to write the estimate to as JSON");
}

std::optional<EstimateRequest> EstimateOptions::request(int threads) const {
  if (!asked_) return {};
  EstimateRequest request = request_;
  request.threads = threads;
  return request;
}

}  // namespace rest
