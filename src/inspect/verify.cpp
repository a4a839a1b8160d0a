#include "rest/inspect/verify.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>

#include "content_check.hpp"
#include "lineage_check.hpp"
#include "rest/core/entries_of.hpp"
#include "rest/core/error.hpp"
#include "rest/core/experiment.hpp"
#include "rest/inspect/activity.hpp"
#include "text_check.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;
using Severity = Finding::Severity;
using Remedy = Finding::Remedy;

/// What a state other than complete means, and why.
std::pair<std::string, std::string> words_for(CommitState state) {
  switch (state) {
    case CommitState::no_record:
      return {"is unfinished", "it has no commit record"};
    case CommitState::unreadable_record:
      return {"has a damaged commit record", "it is no record"};
    case CommitState::no_artefact:
      return {"is missing", "there is only its commit record"};
    case CommitState::other_name:
      return {"has the commit record of another file", ""};
    case CommitState::other_size:
      return {"is damaged", "it has another size than its commit record says"};
    case CommitState::other_bytes:
      return {"is damaged", "its bytes differ from its commit record's SHA-256"};
    default:
      return {"is missing", ""};
  }
}

/// The message of a reader, without the path that the finding names anyway.
std::string without_path(std::string message, const fs::path& file) {
  const std::string path = file.string();
  for (std::size_t at = message.find(path); at != std::string::npos; at = message.find(path)) {
    message.erase(at, path.size());
  }
  message.erase(0, message.find_first_not_of(": "));
  return message;
}

std::uint64_t size_below(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    const std::uint64_t size = fs::file_size(path, ignored);
    return ignored ? 0 : size;
  }
  std::uint64_t bytes = 0;
  for (const fs::path& entry : entries_of(path)) bytes += size_below(entry);
  return bytes;
}

class RunVerifier {
 public:
  RunVerifier(const RunDirectory& run, const VerifyOptions& options)
      : run_(run), options_(options), inventory_(take_inventory(run.root())), content_(run) {
    if (options.lock != nullptr) return;
    const auto activities = find_activities(run);
    in_use_ = std::any_of(activities.begin(), activities.end(), [](const Activity& one) { return one.running; });
  }

  VerifyReport verify() {
    check_experiment();
    check_artefacts();
    check_lineage();
    check_the_rest();
    report_.artefacts = inventory_.artefacts.size();
    std::stable_sort(report_.findings.begin(), report_.findings.end(), [](const Finding& a, const Finding& b) {
      return made_before(classify(a.where), classify(b.where));
    });
    return std::move(report_);
  }

 private:
  Finding& add(const Artefact& artefact, const std::string& what, const std::string& why, Remedy remedy) {
    report_.findings.push_back({Severity::wrong, remedy, artefact.path, what, why, artefact.made_by});
    return report_.findings.back();
  }
  void note(const fs::path& where, const std::string& what, const std::string& why, Remedy remedy = Remedy::none) {
    report_.findings.push_back({Severity::note, remedy, where, what, why, ""});
  }

  void check_experiment() {
    Artefact file;
    file.path = "experiment.toml";
    file.made_by = "rest_prepare";
    if (!fs::exists(run_.root() / file.path)) {
      if (!inventory_.artefacts.empty()) add(file, "is missing", "", Remedy::none);
      return;
    }
    try {
      experiment_ = load_experiment(run_.root() / file.path);
    } catch (const std::exception& problem) {
      add(file, "is damaged", without_path(problem.what(), run_.root() / file.path), Remedy::none);
    }
  }

  void check_artefacts() {
    std::uint64_t total = 0;
    std::vector<std::uint64_t> sizes;
    for (const Artefact& artefact : inventory_.artefacts) {
      sizes.push_back(size_below(run_.root() / artefact.path));
      total += sizes.back();
    }
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      checked_.push_back(check(inventory_.artefacts[i]));
      report_.bytes += sizes[i];
      if (options_.progress) options_.progress(report_.bytes, total);
    }
  }

  CheckedArtefact check(const Artefact& artefact) {
    const fs::path path = run_.root() / artefact.path;
    CheckedArtefact checked{artefact, std::nullopt, true};
    try {
      const CommitCheck found = check_committed(path, options_.hashing);
      checked.record = found.record;
      if (found.state != CommitState::complete) {
        // Bytes may go wrong on a disk; a record that is at odds with the name was put there.
        checked.trusted = found.state != CommitState::other_name;
        const auto [what, why] = words_for(found.state);
        Finding& finding = add(artefact, what, why, Remedy::set_aside);
        if (in_use_ && found.state == CommitState::no_record) finding.severity = Severity::note;
        return checked;
      }
      content_.check(artefact, *found.record);
    } catch (const WrongRecord& problem) {
      add(artefact, "has a damaged commit record", problem.what(), Remedy::set_aside);
    } catch (const std::exception& problem) {
      checked.trusted = false;
      Finding& finding = add(artefact, "is damaged", without_path(problem.what(), path), Remedy::set_aside);
      if (in_use_ && !fs::exists(path)) finding.severity = Severity::note;  // an old checkpoint, removed meanwhile
    }
    return checked;
  }

  /// In the order in which the run is made: what is made from something that does not fit comes after it.
  void check_lineage() {
    LineageCheck lineage(run_, checked_);
    std::set<std::string> reported;
    for (const Finding& finding : report_.findings) reported.insert(finding.where.string());
    for (const CheckedArtefact& checked : checked_) {
      for (const fs::path& path : lineage.missing(checked)) {
        if (!reported.insert(path.string()).second) continue;
        add(classify(path), "is missing", checked.artefact.path.string() + " needs it", Remedy::none);
      }
      if (reported.count(checked.artefact.path.string()) > 0) continue;
      const std::string problem = lineage.problem(checked);
      if (problem.empty()) continue;
      add(checked.artefact, "no longer fits", problem, Remedy::set_aside);
      lineage.distrust(checked);
    }
  }

  void check_the_rest() {
    for (const fs::path& path : inventory_.temporaries) {
      report_.findings.push_back({in_use_ ? Severity::note : Severity::wrong, Remedy::remove, path, "is a left-over",
                                  in_use_ ? "or being written now" : "a program was killed while it wrote it", ""});
    }
    for (const fs::path& path : inventory_.strangers) note(path, "is not known", "no program of the chain makes it");
    for (const CheckedArtefact& checked : checked_) {
      if (checked.artefact.kind == ArtefactKind::policy)
        check_log(checked.artefact.path.parent_path() / "metrics.jsonl");
    }
    if (experiment_ && options_.hashing == Hashing::on) {
      for (Finding& finding : changed_texts(*experiment_, checked_)) report_.findings.push_back(std::move(finding));
    }
    const std::uint64_t aside = size_below(run_.root() / "damaged");
    if (aside > 0)
      note("damaged", "holds what was set aside", concat(aside, " bytes; remove it when the run is whole"));
  }

  /// Of no consequence for anything else, and nothing vouches for it.
  void check_log(const fs::path& path) {
    std::ifstream in(run_.root() / path);
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
      if (nlohmann::json::accept(line)) continue;
      note(path, "has a damaged line", concat("line ", number, " is no JSON"));
      return;
    }
  }

  RunDirectory run_;
  const VerifyOptions& options_;
  Inventory inventory_;
  ContentCheck content_;
  bool in_use_ = false;
  std::optional<Experiment> experiment_;
  std::vector<CheckedArtefact> checked_;
  VerifyReport report_;
};

}  // namespace

std::string Finding::line() const {
  std::string text = where.string() + " " + what;
  if (!why.empty()) text += " (" + why + ")";
  if (!made_by.empty()) text += "; " + made_by + " makes it again";
  if (remedy == Remedy::remove) text += "; --repair deletes it";
  return text;
}

bool VerifyReport::clean() const {
  return std::all_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.severity == Severity::note; });
}

VerifyReport verify_run(const RunDirectory& run, const VerifyOptions& options) {
  return RunVerifier(run, options).verify();
}

std::vector<std::string> programs_to_run(const VerifyReport& report) {
  std::vector<std::string> programs;
  for (const Finding& finding : report.findings) {
    if (finding.severity == Severity::note || finding.made_by.empty()) continue;
    if (std::find(programs.begin(), programs.end(), finding.made_by) == programs.end()) {
      programs.push_back(finding.made_by);
    }
  }
  return programs;
}

}  // namespace rest
