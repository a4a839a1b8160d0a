#include "rest/core/error.hpp"
#include "rest/inspect/verify.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

void delete_all(const fs::path& path) {
  std::error_code problem;
  fs::remove_all(path, problem);
  if (problem) throw Error(path.string() + " cannot be removed", problem.message());
}

}  // namespace

void repair_run(const RunDirectory& run, const VerifyReport& report, const WholeRunLock&) {
  for (const Finding& finding : report.findings) {
    if (finding.severity == Finding::Severity::note) continue;
    const fs::path path = run.root() / finding.where;
    if (finding.remedy == Finding::Remedy::set_aside) set_aside(path, run.root() / "damaged" / finding.where);
    if (finding.remedy == Finding::Remedy::remove) delete_all(path);
  }
}

}  // namespace rest
