#include <CLI/CLI.hpp>
#include <iostream>
#include <optional>

#include "apps/inspect/tool.hpp"
#include "rest/core/progress.hpp"
#include "rest/core/signals.hpp"
#include "rest/inspect/activity.hpp"
#include "rest/inspect/verify.hpp"

namespace {

constexpr std::uint64_t mebibyte = 1 << 20;

struct Request {
  bool repair = false, quick = false;
};

void print(const rest::VerifyReport& report, bool repaired) {
  using Severity = rest::Finding::Severity;
  for (const rest::Finding& finding : report.findings) {
    std::cout << (finding.severity == Severity::note ? "note: " : "") << finding.line() << '\n';
  }
  std::cout << report.artefacts << " artefacts, " << report.bytes / mebibyte << " MiB: "
            << (report.clean() ? "nothing wrong"
                : repaired     ? "what was wrong counts as absent now"
                               : "something is wrong")
            << '\n';
  if (report.clean()) return;
  std::cout << (repaired ? "to make it again, in this order:" : "--repair marks it for these programs to make again:")
            << '\n';
  for (const std::string& program : rest::programs_to_run(report)) std::cout << "  " << program << '\n';
}

int work(const rest::RunDirectory& run, const Request& request) {
  std::optional<rest::WholeRunLock> lock;
  if (request.repair) lock.emplace(run);
  std::optional<rest::Progress> progress;
  rest::VerifyOptions options;
  options.lock = lock ? &*lock : nullptr;
  options.hashing = request.quick ? rest::Hashing::off : rest::Hashing::on;
  options.progress = [&](std::uint64_t done, std::uint64_t total) {
    if (!progress) progress.emplace("verify", "MiB", total / mebibyte);
    progress->update(done / mebibyte);
  };
  const rest::VerifyReport report = rest::verify_run(run, options);
  if (request.repair) rest::repair_run(run, report, *lock);
  print(report, request.repair);
  return report.clean() || request.repair ? rest::exit_success : rest::exit_failure;
}

}  // namespace

int main(int argc, char** argv) {
  Request request;
  return rest::run_tool(
      argc, argv,
      {"rest_verify",
       "Looks at everything that is committed in a run: bytes, contents, and whether what it was made from is what "
       "lies "
       "there now. Names what is wrong, why, and which program makes it again. Exit code 1 when something is wrong.",
       "rest_verify run/synthetic --repair",
       [&](CLI::App& app) {
         app.add_flag("--repair", request.repair,
                      "Move what is wrong to RUN/damaged, so that the programs make it again; delete left-over "
                      "temporaries");
         app.add_flag("--quick", request.quick, "Leave out the SHA-256 of files");
       },
       [&](const rest::RunDirectory& run) { return work(run, request); }});
}
