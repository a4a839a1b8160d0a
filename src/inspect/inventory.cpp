#include "rest/inspect/inventory.hpp"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>
#include <tuple>

#include "rest/core/entries_of.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

namespace fs = std::filesystem;

constexpr const char* record_suffix = ".commit.json";
constexpr const char* temporary_suffix = ".tmp";

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::string without(const std::string& text, const std::string& end) {
  return text.substr(0, text.size() - end.size());
}

/// Whether a scanf pattern with numbers fits all of `text`; the pattern ends in %n.
template <class... Numbers>
bool fits(const std::string& text, const char* pattern, Numbers*... numbers) {
  int end = -1;
  std::sscanf(text.c_str(), pattern, numbers..., &end);
  return end == static_cast<int>(text.size());
}

using Parts = std::vector<std::string>;

/// What lies in the folder of a policy: `parts` behind it.
void classify_policy_file(Artefact& artefact, const Parts& parts, std::size_t first) {
  const std::string& file = parts[first];
  if (parts.size() == first + 2 && file == "checkpoints") {
    long long update = 0;
    const bool numbered =
        fits(parts[first + 1], "update-%lld%n", &update) || fits(parts[first + 1], "best-%lld%n", &update);
    if (!numbered) return;
    artefact.kind = ArtefactKind::checkpoint;
    artefact.number = update;
  }
  if (parts.size() != first + 1) return;
  if (file == "model.safetensors") artefact.kind = ArtefactKind::policy;
  if (file == "config.json") artefact.kind = ArtefactKind::policy_config;
  if (file == "step.json") artefact.kind = ArtefactKind::step;
}

void classify_improve(Artefact& artefact, const Parts& parts) {
  if (parts.size() < 3) return;
  long long grow = 0, step = 0;
  artefact.name = parts[1];
  if (parts.size() == 3 && fits(parts[2], "g%lld-best.json%n", &grow)) {
    artefact.kind = ArtefactKind::best;
  } else if (parts.size() > 3 && fits(parts[2], "g%lld-i%lld%n", &grow, &step)) {
    artefact.improve_step = step;
    classify_policy_file(artefact, parts, 3);
  }
  artefact.grow_step = grow;
  artefact.made_by = concat("rest_improve --grow-step ", grow, " --variant ", artefact.name);
}

void classify_grow(Artefact& artefact, const Parts& parts) {
  if (parts.size() < 3) return;
  artefact.grow_step = grow_step_of(parts[1]);
  if (artefact.grow_step == 0) return;
  long long shard = 0;
  artefact.made_by = concat("rest_grow --grow-step ", artefact.grow_step);
  if (parts.size() == 3 && fits(parts[2], "shard-%lld.h5%n", &shard)) artefact.kind = ArtefactKind::shard;
  if (parts.size() == 3 && parts[2] == "index.h5") artefact.kind = ArtefactKind::index;
  if (parts.size() == 5 && parts[2] == "rewards" && fits(parts[4], "shard-%lld.h5%n", &shard)) {
    artefact.kind = ArtefactKind::reward;
    artefact.name = parts[3];
    artefact.made_by = concat("rest_score --grow-step ", artefact.grow_step, " --reward ", artefact.name);
  }
  artefact.number = shard;
}

void classify_corpus(Artefact& artefact, const Parts& parts) {
  artefact.made_by = "rest_prepare";
  if (parts.size() != 2) return;
  for (const auto& [end, kind] :
       {std::make_pair(".report.json", ArtefactKind::corpus_report), std::make_pair(".h5", ArtefactKind::corpus)}) {
    if (!ends_with(parts[1], end)) continue;
    artefact.kind = kind;
    artefact.name = without(parts[1], end);
    return;
  }
}

/// Files beside the artefacts that belong there without a record.
bool is_log(const fs::path& path) { return path.filename() == "metrics.jsonl"; }

/// Collects below `folder` what has a record, what is unfinished and what should have a record.
class Collector {
 public:
  explicit Collector(const fs::path& run) : run_(run) {}

  void folder(const fs::path& folder) {
    for (const fs::path& entry : entries_of(folder)) {
      const std::string name = entry.filename().string();
      std::error_code ignored;
      if (ends_with(name, temporary_suffix)) {
        found.temporaries.push_back(relative(entry));
      } else if (ends_with(name, record_suffix)) {
        add(without(entry.string(), record_suffix));
      } else if (fs::is_directory(entry, ignored)) {
        if (classify(relative(entry)).kind != ArtefactKind::checkpoint) {
          this->folder(entry);
        } else {
          add(entry);
        }
      } else if (classify(relative(entry)).kind != ArtefactKind::other) {
        add(entry);
      } else if (!is_log(entry) && !fs::exists(entry.string() + record_suffix, ignored)) {
        found.strangers.push_back(relative(entry));
      }
    }
  }

  Inventory found;

 private:
  fs::path relative(const fs::path& path) const { return path.lexically_relative(run_); }
  void add(const fs::path& path) {
    Artefact artefact = classify(relative(path));
    if (seen_.insert(artefact.path.string()).second) found.artefacts.push_back(std::move(artefact));
  }

  fs::path run_;
  std::set<std::string> seen_;
};

/// "best_of_20", "mbr_8", "beam_4_lp0.6": the options of rest_evaluate that make such metrics.
std::string decoding_options(const std::string& kind) {
  long long count = 0;
  double penalty = 0.0;
  if (fits(kind, "best_of_%lld%n", &count)) return concat(" --best-of ", count);
  if (fits(kind, "mbr_%lld%n", &count)) return concat(" --best-of ", count, " --mbr");
  if (fits(kind, "beam_%lld_lp%lf%n", &count, &penalty))
    return concat(" --beam ", count, " --length-penalty ", penalty);
  return "";
}

/// "bc_g1-i2.valid.best_of_20.t0.5.json" to the command that makes it.
std::string evaluation_of(const std::string& file) {
  const std::size_t dot = file.find('.');
  std::string policy = file.substr(0, dot), rest = without(file.substr(dot + 1), ".json"), options;
  if (const std::size_t step = policy.rfind("_g"); step != std::string::npos) policy[step] = '/';
  if (const std::size_t at = rest.rfind(".t"); at != std::string::npos) {
    options = " --temperature " + rest.substr(at + 2);
    rest.erase(at);
  }
  if (const std::size_t at = rest.find('.'); at != std::string::npos) {
    options = decoding_options(rest.substr(at + 1)) + options;
    rest.erase(at);
  }
  return "rest_evaluate --policy " + policy + " --corpus " + rest + options;
}

/// Place in the chain: the Improve steps of a Grow step come before the next Grow step, its best policy behind them.
std::tuple<int, std::int64_t, int, std::int64_t, ArtefactKind> place(const Artefact& artefact) {
  static const std::map<std::string, int> sections = {{"tokenizer", 1}, {"corpus", 2}, {"policy", 3},  {"ratings", 4},
                                                      {"reward", 5},    {"grow", 6},   {"improve", 6}, {"metrics", 7}};
  const std::string top = artefact.path.empty() ? "" : artefact.path.begin()->string();
  const auto section = sections.find(top);
  const int within = artefact.kind == ArtefactKind::best ? 2 : top == "improve" ? 1 : 0;
  return {section == sections.end() ? 0 : section->second, artefact.grow_step, within, artefact.improve_step,
          artefact.kind};
}

}  // namespace

const std::vector<std::string>& artefact_folders() {
  static const std::vector<std::string> folders = {"tokenizer", "corpus", "policy",  "ratings",
                                                   "reward",    "grow",   "improve", "metrics"};
  return folders;
}

std::int64_t grow_step_of(const std::string& name) {
  long long step = 0;
  return fits(name, "g%lld%n", &step) && step > 0 ? step : 0;
}

Artefact classify(const fs::path& path) {
  Artefact artefact;
  artefact.path = path;
  Parts parts;
  for (const fs::path& part : path) parts.push_back(part.string());
  if (parts.size() < 2) return artefact;
  if (parts[0] == "tokenizer") {
    artefact.made_by = "rest_prepare";
    if (parts.size() == 2 && parts[1] == "tokenizer.model") artefact.kind = ArtefactKind::tokenizer;
  } else if (parts[0] == "corpus") {
    classify_corpus(artefact, parts);
  } else if (parts[0] == "policy") {
    artefact.made_by = "rest_train";
    if (parts.size() > 2) classify_policy_file(artefact, parts, 2);
  } else if (parts[0] == "reward") {
    artefact.name = parts[1];
    artefact.made_by = "rest_reward train --name " + parts[1];
    if (parts.size() > 3) classify_policy_file(artefact, parts, 3);
  } else if (parts[0] == "ratings") {
    artefact.made_by = "rest_reward label --name " + without(parts[1], ".tsv");
  } else if (parts[0] == "improve") {
    classify_improve(artefact, parts);
  } else if (parts[0] == "grow") {
    classify_grow(artefact, parts);
  } else if (parts[0] == "metrics" && ends_with(parts[1], ".json")) {
    artefact.kind = ArtefactKind::metrics;
    artefact.made_by = evaluation_of(parts[1]);
  }
  return artefact;
}

bool made_before(const Artefact& a, const Artefact& b) {
  return std::make_tuple(place(a), a.path) < std::make_tuple(place(b), b.path);
}

Inventory take_inventory(const fs::path& run) {
  Collector collector(run);
  for (const std::string& folder : artefact_folders()) collector.folder(run / folder);
  for (const fs::path& entry : entries_of(run)) {
    if (ends_with(entry.filename().string(), temporary_suffix)) collector.found.temporaries.push_back(entry.filename());
  }
  std::sort(collector.found.artefacts.begin(), collector.found.artefacts.end(), made_before);
  return std::move(collector.found);
}

}  // namespace rest
