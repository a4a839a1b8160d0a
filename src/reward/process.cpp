#include "rest/reward/process.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "rest/core/error.hpp"
#include "rest/core/log.hpp"

namespace rest {
namespace {

using nlohmann::json;
using Outcome = ChildProcess::Outcome;

constexpr int tries = 3;
constexpr const char* described = "data/README.md says what it has to print";

/// The beginning of what a program said, for an error.
std::string shortened(const std::string& text) { return text.size() <= 120 ? text : text.substr(0, 117) + "..."; }

}  // namespace

ProcessReward::ProcessReward(const RewardOptions& options) : options_(options) {
  get_ready();
  log_info("reward " + options_.name + ": started " + options_.command);
}

json ProcessReward::identity() const { return {{"name", options_.name}, {"command", options_.command}}; }

Error ProcessReward::refused(const std::string& why) const {
  const std::string when = batch_ > 0 ? concat(" in batch ", batch_) : std::string(" before it was ready");
  return Error("the program of reward " + options_.name + " failed" + when, why + "; its command: " + options_.command,
               described);
}

void ProcessReward::get_ready() const {
  process_.reset();  // ends the one before
  process_ = std::make_unique<ChildProcess>(options_.command);
  const auto answer = process_->read_line(ChildProcess::Seconds(options_.start_seconds));
  if (answer.outcome == Outcome::timed_out) throw refused(concat("it said nothing for ", options_.start_seconds, " s"));
  if (answer.outcome == Outcome::ended) throw refused(answer.text);
  const json hello = json::parse(answer.text, nullptr, false);
  if (!hello.is_object() || !hello.contains("needs_reference") || !hello["needs_reference"].is_boolean()) {
    throw refused("it said \"" + shortened(answer.text) + "\", not {\"needs_reference\": true} or false");
  }
  needs_reference_ = hello["needs_reference"].get<bool>();
}

std::string ProcessReward::line_of(Span<const ScoredText> batch) const {
  json texts = json::array();
  for (const ScoredText& text : batch) {
    if (needs_reference_ && !text.reference) {
      throw Error("the reward " + options_.name + " needs a reference", "there is none for \"" + text.source + "\"",
                  "use a corpus with target text, or another reward");
    }
    json one = {{"source", text.source}, {"candidate", text.candidate}};
    if (needs_reference_) one["reference"] = *text.reference;
    texts.push_back(std::move(one));
  }
  // Pieces may decode to broken characters.
  return json{{"batch", batch_}, {"texts", std::move(texts)}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string ProcessReward::answer_to(const std::string& line) const {
  std::string why;
  for (int attempt = 0; attempt < tries; ++attempt) {
    if (attempt > 0) {
      log_warning(concat("the program of reward ", options_.name, " did not answer batch ", batch_, ": ", why,
                         "; starting it again"));
      get_ready();
    }
    const auto answer = process_->ask(line, ChildProcess::Seconds(options_.timeout_seconds));
    if (answer.outcome == Outcome::line) return answer.text;
    why =
        answer.outcome == Outcome::ended ? answer.text : concat("it said nothing for ", options_.timeout_seconds, " s");
  }
  throw refused(concat(why, ", ", tries, " times"));
}

std::vector<float> ProcessReward::rewards_in(const std::string& answer, std::size_t texts) const {
  const json said = json::parse(answer, nullptr, false);
  if (!said.is_object() || !said.contains("batch") || !said.contains("rewards") || !said["rewards"].is_array()) {
    throw refused("it said \"" + shortened(answer) + "\"");
  }
  if (said["batch"] != batch_) throw refused("it answered batch " + said["batch"].dump());
  const json& values = said["rewards"];
  if (values.size() != texts) throw refused(concat("it gave ", values.size(), " rewards for ", texts, " texts"));
  std::vector<float> rewards;
  for (const json& value : values) {
    if (!value.is_number() || !(value.get<double>() >= 0.0 && value.get<double>() <= 1.0)) {
      throw refused(concat("reward ", rewards.size() + 1, " is ", value.dump(), ", not a number from 0 to 1"));
    }
    rewards.push_back(value.get<float>());
  }
  return rewards;
}

std::vector<float> ProcessReward::score(Span<const ScoredText> texts) const {
  std::vector<float> rewards;
  const auto most = static_cast<std::size_t>(options_.batch);
  for (std::size_t first = 0; first < texts.size(); first += most) {
    const Span<const ScoredText> batch(texts.data() + first, std::min(most, texts.size() - first));
    ++batch_;
    const std::vector<float> values = rewards_in(answer_to(line_of(batch)), batch.size());
    rewards.insert(rewards.end(), values.begin(), values.end());
  }
  return rewards;
}

}  // namespace rest
