#include "decoding_report.hpp"

#include <cstdio>
#include <string>

#include "metrics_file.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

using nlohmann::json;

std::string name_of(const json& metrics) {
  const std::string decoding = metrics.at("decoding");
  if (decoding == "beam") {
    return concat("beam ", metrics.at("beam").dump(), ", length penalty ", metrics.at("length_penalty").dump());
  }
  return concat(decoding == "mbr" ? "minimum Bayes risk, " : "best by reward of ", metrics.at("samples").dump(),
                decoding == "mbr" ? " samples" : "");
}

std::string figure(const json& interval, int digits) {
  char text[80];
  std::snprintf(text, sizeof text, "%.*f [%.*f, %.*f]", digits, interval.at("value").get<double>(), digits,
                interval.at("low").get<double>(), digits, interval.at("high").get<double>());
  return text;
}

void print_row(const std::string& name, const json& scores) {
  std::printf("  %-32s %-25s %-21s %-21s %6.3f\n", name.c_str(), figure(scores.at("reward"), 4).c_str(),
              figure(scores.at("bleu"), 2).c_str(), figure(scores.at("chrf"), 2).c_str(),
              scores.at("length_ratio").get<double>());
}

json entry(const json& curve, std::size_t at) {
  return {{"value", curve.at("value").at(at)}, {"low", curve.at("low").at(at)}, {"high", curve.at("high").at(at)}};
}

void print_curve(const json& metrics, const std::vector<std::int64_t>& best_of) {
  std::printf("best of N at T = %s, exact over all subsets of the %s samples\n",
              metrics.at("temperature").dump().c_str(), metrics.at("samples").dump().c_str());
  std::printf("  %5s  %-25s %s\n", "N", "reward", "sentence chrF of the best");
  for (const std::int64_t n : best_of) {
    const auto at = static_cast<std::size_t>(n - 1);
    std::printf("  %5lld  %-25s %s\n", static_cast<long long>(n),
                figure(entry(metrics.at("best_reward"), at), 4).c_str(),
                figure(entry(metrics.at("chrf_of_best"), at), 2).c_str());
  }
  if (metrics.at("reward_is_chrf")) std::printf("  the reward is sentence chrF / 100: both columns say the same\n");
}

}  // namespace

void print_decoding(const std::vector<json>& metrics, const std::vector<std::int64_t>& best_of) {
  const json& first = metrics.front();
  std::printf("decoding of %s on %s (%s sources, reward %s, 95 %% bootstrap intervals)\n",
              first.at("policy").get<std::string>().c_str(), first.at("corpus").get<std::string>().c_str(),
              first.at("sources").dump().c_str(), first.at("reward").get<std::string>().c_str());
  std::printf("  %-32s %-25s %-21s %-21s %s\n", "", "reward", "BLEU", "chrF", "length");
  print_row("greedy", first.at("greedy"));
  for (const json& next : metrics) print_row(name_of(next), next.at("output"));
  for (const json& next : metrics) {
    std::printf("  %s minus greedy: reward %s, p = %.3f\n", name_of(next).c_str(),
                figure(next.at("minus_greedy").at("reward"), 4).c_str(),
                next.at("minus_greedy").at("reward").at("p_value").get<double>());
  }
  for (const json& next : metrics) {
    if (next.at("decoding") == "best_of") print_curve(next, best_of);
  }
  std::fflush(stdout);
}

}  // namespace rest
