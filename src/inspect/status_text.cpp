#include <algorithm>
#include <cstdio>

#include "rest/core/counted.hpp"
#include "rest/core/error.hpp"
#include "rest/inspect/status.hpp"

namespace rest {
namespace {

using nlohmann::json;

/// `text` in a field of `width`, to the left; one that is too long is not cut.
std::string left(const std::string& text, std::size_t width) {
  return text + std::string(text.size() < width ? width - text.size() : 0, ' ');
}
std::string right(const std::string& text, std::size_t width) {
  return std::string(text.size() < width ? width - text.size() : 0, ' ') + text;
}

std::string fixed(double value, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string percent(double part, double whole) { return whole > 0.0 ? fixed(100.0 * part / whole, 1) + " %" : "- %"; }

std::string size_text(std::uint64_t bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1024.0 && unit < 4; ++unit) size /= 1024.0;
  return fixed(size, unit == 0 ? 0 : 1) + " " + units[unit];
}

std::string duration(double seconds) {
  const auto whole = static_cast<long long>(seconds + 0.5);
  if (whole < 60) return concat(whole, " s");
  if (whole < 3600) return concat(whole / 60, " min ", whole % 60, " s");
  return concat(whole / 3600, " h ", whole / 60 % 60, " min");
}

/// A figure deep in a JSON object; "-" where it is missing.
std::string figure(const json& object, const std::string& pointer, int digits) {
  const json::json_pointer at(pointer);
  return object.is_object() && object.contains(at) && object[at].is_number() ? fixed(object[at], digits) : "-";
}

/// Of a status file, which a program of another version may have written.
std::string text_of(const json& status, const char* key) {
  const json value = status.value(key, json());
  return value.is_string() ? value.get<std::string>() : "";
}
double number_of(const json& status, const char* key) {
  const json value = status.value(key, json());
  return value.is_number() ? value.get<double>() : 0.0;
}

std::string row(const std::string& stage, const std::string& state, const std::string& words) {
  return "  " + left(stage, 16) + left(state, 10) + words + "\n";
}

std::string state_of(bool complete, bool begun) { return complete ? "complete" : begun ? "partly" : "-"; }

std::string prepare_row(const RunStatus& status) {
  std::string words;
  bool begun = status.tokenizer;
  for (const auto& [name, sentences] : status.corpora) {
    words += (words.empty() ? "" : ", ") + name + " " + (sentences ? std::to_string(*sentences) : "missing");
    begun = begun || sentences;
  }
  if (!status.prepared()) {
    if (!status.tokenizer) words = "no tokenizer, " + words;
    if (!status.experiment) words += ", no experiment.toml";
  }
  return row("prepare", state_of(status.prepared(), begun), words + (status.prepared() ? " sentences" : ""));
}

std::string train_row(const PolicyStatus& policy) {
  const bool complete = policy.state == PolicyStatus::State::complete;
  std::string words = complete ? "policy g0-i0" : "";
  if (!complete && policy.checkpoint) words = concat("saved at update ", *policy.checkpoint);
  return row("train", state_of(complete, policy.state == PolicyStatus::State::in_training), words);
}

std::string of_expected(std::int64_t shards, const std::optional<std::int64_t>& expected) {
  if (!expected) return concat(shards, " shards");
  return concat(shards, " of ", *expected, " shards, ",
                percent(static_cast<double>(shards), static_cast<double>(*expected)));
}

std::string grow_rows(const GrowStatus& grow) {
  const std::string name = concat("g", grow.step);
  std::string words = of_expected(grow.shards, grow.expected);
  if (!grow.indexed && grow.expected && grow.shards == *grow.expected) words += ", no index";
  std::string rows = row("grow " + name, state_of(grow.complete(), grow.shards > 0), words);
  for (const GrowStatus::Part& part : grow.parts) {
    rows += row(concat("  part ", part.part, "/", part.of), state_of(part.shards == part.expected, part.shards > 0),
                of_expected(part.shards, part.expected));
  }
  for (const auto& [reward, shards] : grow.scored) {
    const bool complete = grow.expected && shards == *grow.expected;
    rows += row("score " + name, state_of(complete, shards > 0), reward + ": " + of_expected(shards, grow.expected));
  }
  if (grow.scored.empty()) rows += row("score " + name, "-", "no reward column");
  return rows;
}

std::string improve_row(const ImproveStatus& improve) {
  const auto steps = static_cast<std::int64_t>(improve.steps.size());
  std::string words = concat(improve.done(), " of ", steps, " steps");
  bool begun = false;
  for (const PolicyStatus& step : improve.steps) {
    begun = begun || step.state != PolicyStatus::State::absent;
    if (step.state == PolicyStatus::State::in_training) {
      words += ", " + step.name + " " + (step.checkpoint ? concat("saved at update ", *step.checkpoint) : "begun");
    }
  }
  if (!improve.best.empty()) words += ", best " + improve.best;
  return row(concat("improve g", improve.grow_step), state_of(improve.done() == steps && !improve.best.empty(), begun),
             improve.variant + ": " + words);
}

std::string evaluate_row(const RunStatus& status) {
  std::int64_t done = 0, all = 0;
  for (const PolicyStatus* policy : status.policies()) {
    if (policy->state == PolicyStatus::State::moot) continue;
    for (const std::string& corpus : status.evaluated_corpora()) {
      ++all;
      done += policy->metrics.count(corpus) > 0;
    }
  }
  return row("evaluate", state_of(done == all, done > 0), concat(done, " of ", all, " evaluations"));
}

/// What a policy was trained on, in the words of run_table.py: "bitext", "all", "R > 0.7".
std::string trained_on(const PolicyStatus& policy) {
  if (policy.name == "g0-i0") return "bitext";
  if (!policy.step.is_object()) return "-";
  const json threshold = policy.step.value("threshold", json());
  if (policy.step.value("step", 1) == 0) return "all";
  if (!threshold.is_number()) return "-";
  const std::string filter = policy.step.value("filter", "threshold");
  return (filter == "threshold" ? "R >" : filter) + " " + threshold.dump();
}

std::string policy_row(const RunStatus& status, const PolicyStatus& policy) {
  std::string line = "  " + left(policy.name, 12) + "  ";
  if (policy.state == PolicyStatus::State::moot) return line + "moot: " + policy.step.value("reason", "") + "\n";
  const json& step = policy.step;
  line += left(trained_on(policy), 14);
  const bool kept = step.is_object() && step.contains("kept_share") && step["kept_share"].is_number();
  line += right(kept ? percent(step["kept_share"], 1.0) : "-", 8) + right(figure(step, "/best_reward", 4), 10);
  for (const std::string& corpus : status.evaluated_corpora()) {
    const auto found = policy.metrics.find(corpus);
    const json metrics = found == policy.metrics.end() ? json() : found->second;
    line += "  " + right(figure(metrics, "/sampled/mean_reward", 4), 8) +
            right(figure(metrics, "/greedy/mean_reward", 4), 8) + right(figure(metrics, "/greedy/bleu", 2), 7) +
            right(figure(metrics, "/greedy/chrf", 2), 7);
  }
  return line + "\n";
}

std::string policy_table(const RunStatus& status) {
  std::string rows;
  for (const PolicyStatus* policy : status.policies()) {
    if (policy->state == PolicyStatus::State::complete || policy->state == PolicyStatus::State::moot) {
      rows += policy_row(status, *policy);
    }
  }
  if (rows.empty()) return "";
  std::string above = "\n" + left("policies", 16) + left("", 14) + right("", 8) + right("reward", 10),
              head = left("  policy", 16);
  head += left("trained on", 14) + right("kept", 8) + right("selection", 10);
  for (const std::string& corpus : status.evaluated_corpora()) {
    above += "  " + left("  " + (corpus == "valid" ? std::string("valid, report half") : corpus), 30);
    head += "  " + right("sampled", 8) + right("greedy", 8) + right("BLEU", 7) + right("chrF", 7);
  }
  return above.substr(0, above.find_last_not_of(' ') + 1) + "\n" + head + "\n" + rows;
}

/// "rest_train on node7, process 12, 4 ranks, job 345, since ...": what of it is known.
std::string who(const json& status) {
  std::string words = text_of(status, "program");
  const auto add = [&](const std::string& before, const std::string& what, const std::string& after) {
    if (!what.empty()) words += (words.empty() ? "" : before) + what + after;
  };
  const auto number = [&](const char* key) { return status.contains(key) ? fixed(number_of(status, key), 0) : ""; };
  add(" on ", text_of(status, "host"), "");
  add(", process ", number("pid"), "");
  if (status.contains("ranks")) add(", ", counted(static_cast<std::int64_t>(number_of(status, "ranks")), "rank"), "");
  add(", job ", text_of(status, "job"), "");
  add(", since ", text_of(status, "started"), "");
  return words;
}

std::string activity_rows(const Activity& one) {
  const json& status = one.status;
  if (status.is_null()) return "  " + one.work + ": started, nothing said yet\n";
  const double done = number_of(status, "done"), total = number_of(status, "total"), rate = number_of(status, "rate");
  const std::string unit = text_of(status, "unit");
  std::string line = "  " + one.work + ": " + who(status) + "\n    " + text_of(status, "label") + ": " +
                     fixed(done, 0) + " of " + fixed(total, 0) + " " + unit + " (" + percent(done, total) + ")";
  if (!one.running) {
    const std::string updated = text_of(status, "updated");
    return line + (updated.empty() ? "" : ", last heard of at " + updated) + "\n";
  }
  if (rate > 0.0) line += ", " + fixed(rate, rate < 10.0 ? 2 : 0) + " " + unit + "/s";
  if (status.value("seconds_left", json()).is_number()) line += ", " + duration(status["seconds_left"]) + " left";
  return line + "\n";
}

std::string activities(const RunStatus& status) {
  std::string running, left_over;
  for (const Activity& one : status.activities) (one.running ? running : left_over) += activity_rows(one);
  return (running.empty() ? "" : "\nrunning\n" + running) +
         (left_over.empty() ? "" : "\nleft by a killed program\n" + left_over);
}

/// Largest parts first, in lines of at most 100 columns.
std::string disk(const RunStatus& status) {
  std::vector<std::pair<std::uint64_t, std::string>> parts;
  std::uint64_t total = 0;
  for (const auto& [part, bytes] : status.disk) {
    total += bytes;
    if (bytes > 0) parts.emplace_back(bytes, part + " " + size_text(bytes));
  }
  std::sort(parts.rbegin(), parts.rend());
  std::string text = "\ndisk  " + size_text(total), line = " ";
  if (status.checkpoints > 0) {
    text += concat(", of it ", status.checkpoints, " checkpoints: ", size_text(status.checkpoint_bytes));
  }
  for (const auto& [bytes, words] : parts) {
    if (line.size() + words.size() > 97) {
      text += "\n" + line;
      line = " ";
    }
    line += " " + words + ",";
  }
  if (!parts.empty()) text += "\n" + line.substr(0, line.size() - 1);
  return text + "\n";
}

std::string next(const RunStatus& status) {
  const NextCommand next = next_command(status);
  if (next.command.empty()) return next.waits ? "" : "next  nothing: all of it is complete\n";
  return (next.waits ? "next, when that is done:\n  " : "next\n  ") + next.command + "\n";
}

}  // namespace

std::string to_text(const RunStatus& status) {
  std::string text = "run " + status.root.string() + "\n";
  if (!status.experiment_problem.empty())
    text += "  experiment.toml cannot be read: " + status.experiment_problem + "\n";
  text += "\n" + prepare_row(status) + train_row(status.initial);
  for (const GrowStatus& grow : status.grow) {
    text += grow_rows(grow);
    for (const ImproveStatus& improve : status.improve) {
      if (improve.grow_step == grow.step) text += improve_row(improve);
    }
  }
  return text + evaluate_row(status) + policy_table(status) + activities(status) + disk(status) + next(status);
}

}  // namespace rest
