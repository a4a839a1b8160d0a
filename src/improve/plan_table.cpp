#include "plan_table.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "rest/core/error.hpp"

namespace rest {
namespace {

using nlohmann::json;
using Row = std::vector<std::string>;

std::string number(const json& value, int decimals) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", decimals, value.get<double>());
  return text;
}

std::string percent(const json& share) { return number(100.0 * share.get<double>(), 1) + " %"; }

/// 36000 as "36,000".
std::string count(const json& value) {
  std::string digits = number(value, 0);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string duration(double seconds) {
  if (seconds < 120.0) return number(seconds, seconds < 1.0 ? 2 : seconds < 10.0 ? 1 : 0) + " s";
  return seconds < 7200.0 ? number(seconds / 60.0, 0) + " min" : number(seconds / 3600.0, 1) + " h";
}

/// Bounds as "3 to 7", or one figure where both look the same.
template <class Show>
std::string range(const json& bounds, Show show) {
  if (bounds.is_null()) return "unknown";
  const std::string least = show(bounds.at("least")), most = show(bounds.at("most"));
  return least == most ? most : least + " to " + most;
}

/// Columns under their headings: the first two to the left, the others to the right.
std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size());
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      line += (i == 0 ? "" : "  ") + (i < 2 ? row[i] + space : space + row[i]);
    }
    text += line + '\n';
    if (&row == &rows.front()) text += std::string(line.size(), '-') + '\n';
  }
  return text;
}

std::string what_is_kept(const json& plan) {
  std::vector<Row> rows = {{"step", "keeps", "candidates", "share", "tokens", "originals", "empty sources", "reward",
                            "length", "x all", "distinct", "repeats", "distinct-2"}};
  for (const json& step : plan.at("steps")) {
    const json& kept = step.at("kept");
    Row row = {step.at("name"),
               step.at("keeps"),
               count(kept.at("candidates")),
               percent(step.at("share")),
               percent(step.at("token_share")),
               count(kept.at("originals")),
               count(kept.at("sources_empty"))};
    if (kept.at("candidates") == 0) {
      row.resize(rows.front().size(), "-");
    } else {
      for (const char* key : {"mean_length", "length_ratio"}) row.push_back(number(step.at(key), 2));
      row.insert(row.end() - 2, number(kept.at("mean_reward"), 4));
      row.push_back(number(step.at("distinct_per_source"), 2));
      row.push_back(percent(step.at("duplicate_share")));
      row.push_back(number(step.at("distinct_2"), 3));
    }
    rows.push_back(row);
  }
  return table(rows);
}

std::string what_it_takes(const json& plan) {
  std::vector<Row> rows = {
      {"step", "keeps", "examples", "sampled", "updates an epoch", "updates", "evaluations", "an update", "time"}};
  const auto seconds = [](const json& value) { return duration(value.get<double>()); };
  for (const json& step : plan.at("steps")) {
    Row row = {step.at("name"), step.at("keeps"), count(step.at("examples")), percent(step.at("sampled_share"))};
    if (!step.at("problem").is_null()) {
      row.resize(rows.front().size(), "-");
    } else {
      const json& update = step.at("seconds_an_update");
      row.push_back(count(step.at("updates_an_epoch")));
      row.push_back(range(step.at("updates"), count));
      row.push_back(range(step.at("evaluations"), count));
      row.push_back(update.is_null() ? "unknown" : number(update.at("mean"), 3) + " s");
      row.push_back(range(step.at("seconds"), seconds));
    }
    rows.push_back(row);
  }
  return table(rows);
}

std::string heading(const json& plan) {
  const json& all = plan.at("all");
  return concat("Improve plan of ", plan.at("variant").get<std::string>(), "/g", plan.at("grow_step").dump(), ": ",
                count(all.at("candidates")), " candidates (", count(all.at("distinct")), " distinct) of ",
                count(all.at("sources")), " sources, ", count(all.at("originals")), " originals, ",
                count(all.at("unfinished")), " unfinished; reward ", plan.at("reward").get<std::string>(), ", V_pi ",
                number(all.at("mean_reward"), 4), ", ", number(plan.at("mean_length"), 2), " pieces a candidate\n");
}

std::string closing(const json& plan) {
  const auto seconds = [](const json& value) { return duration(value.get<double>()); };
  std::string text;
  if (plan.at("seconds").is_null()) {
    text = "time is unknown: " + plan.at("times_unknown").get<std::string>() + '\n';
  } else {
    text = concat("all of it: ", range(plan.at("seconds"), seconds), " on ", plan.at("ranks").dump(), " rank(s) of ",
                  plan.at("threads").dump(), " thread(s); an evaluation takes ",
                  duration(plan.at("seconds_an_evaluation")), "\n");
  }
  for (const json& step : plan.at("steps")) {
    if (step.at("problem").is_null()) continue;
    text += concat("warning: ", step.at("name").get<std::string>(),
                   " cannot be trained: ", step.at("problem").get<std::string>(), "\n");
  }
  return text;
}

}  // namespace

std::string plan_text(const json& plan) {
  return heading(plan) + '\n' + what_is_kept(plan) +
         "\nshares, reward and length weighted by count; distinct: different candidates a source; repeats: of "
         "candidates, those equal to another; distinct-2: different pairs of pieces, a source; sampled: share of the "
         "samples in the loss\n\n" +
         what_it_takes(plan) + '\n' + closing(plan);
}

}  // namespace rest
