#include "rest/eval/reward_check.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "rest/comm/agreement.hpp"
#include "rest/comm/share_out.hpp"
#include "rest/core/error.hpp"
#include "text_scores.hpp"

namespace rest {
namespace {

constexpr std::int64_t resamples = 1000;
constexpr std::size_t chunk_texts = 128;  // that are scored together, whatever the rank count

/// The texts of a kind, in the order of `places`.
struct Spoiled {
  std::vector<std::size_t> places;  // in the good translations
  std::vector<std::string> texts;
};

Spoiled spoil(Perturbation kind, const std::vector<GoodTranslation>& good, std::uint64_t seed) {
  Spoiled spoiled;
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto text = perturbed(kind, good, i, seed);
    if (!text) continue;
    spoiled.places.push_back(i);
    spoiled.texts.push_back(std::move(*text));
  }
  return spoiled;
}

using Training = PerturbationEffect::Training;

Training training_of(const Reward& reward, Perturbation kind) {
  const auto kinds = reward.trained_to_notice();
  if (!kinds) return Training::none;
  return std::find(kinds->begin(), kinds->end(), to_string(kind)) != kinds->end() ? Training::seen : Training::unseen;
}

PerturbationEffect effect_of(Perturbation kind, Training training, const std::vector<double>& before,
                             const std::vector<double>& after, std::uint64_t seed) {
  PerturbationEffect effect{kind, training, static_cast<std::int64_t>(before.size()), {}, {}, {}};
  if (before.empty()) return effect;
  double fell = 0.0, rose = 0.0;
  std::vector<double> fall;
  for (std::size_t i = 0; i < before.size(); ++i) {
    fall.push_back(before[i] - after[i]);
    fell += after[i] < before[i] ? 1.0 : 0.0;
    rose += after[i] > before[i] ? 1.0 : 0.0;
  }
  const auto texts = static_cast<double>(before.size());
  effect.fell = wilson_interval(fell, texts);
  effect.rose = wilson_interval(rose, texts);
  effect.fall = bootstrap_mean(fall, resamples, seed);
  return effect;
}

std::string percent(double share) { return with_digits(100.0 * share, 1) + " %"; }

std::vector<std::string> failures_of(const std::vector<PerturbationEffect>& effects, const RewardCheckLimits& limits) {
  std::vector<std::string> failures;
  for (const PerturbationEffect& effect : effects) {
    if (effect.texts == 0) continue;
    const double least = effect.training == Training::unseen ? limits.least_fell_unseen : limits.least_fell;
    if (effect.fell.value < least) {
      failures.push_back(to_string(effect.kind) + " lowers the reward of " + percent(effect.fell.value) +
                         " of the translations, at least " + percent(least) + " are wanted");
    }
    if (effect.kind == Perturbation::repeat && effect.rose.value > limits.most_repeats) {
      failures.push_back("saying a translation twice raises the reward of " + percent(effect.rose.value) +
                         ", at most " + percent(limits.most_repeats) + " are allowed");
    }
  }
  return failures;
}

std::string row(const char* kind, const char* texts, const char* fell, const char* rose, const char* fall) {
  char line[160];
  std::snprintf(line, sizeof line, "  %-14s %6s  %-24s %-9s %s\n", kind, texts, fell, rose, fall);
  return line;
}

std::string row_of(const PerturbationEffect& effect) {
  const std::string kind = to_string(effect.kind), texts = std::to_string(effect.texts);
  if (effect.texts == 0) return row(kind.c_str(), "0", "does not apply", "", "");
  const std::string fell = percent(effect.fell.value) + " [" + with_digits(100.0 * effect.fell.low, 1) + ", " +
                           with_digits(100.0 * effect.fell.high, 1) + "]";
  return row(kind.c_str(), texts.c_str(), fell.c_str(), percent(effect.rose.value).c_str(),
             to_text(effect.fall, 4).c_str());
}

}  // namespace

std::vector<double> score_on_all(const Communicator& world, const Reward& reward,
                                 const std::vector<ScoredText>& texts) {
  const auto chunks = static_cast<std::int64_t>((texts.size() + chunk_texts - 1) / chunk_texts);
  const auto values = share_out_numbers<float>(world, chunks, [&](std::int64_t chunk, const Tick& tick) {
    tick();
    const std::size_t first = static_cast<std::size_t>(chunk) * chunk_texts,
                      count = std::min(chunk_texts, texts.size() - first);
    std::vector<float> scored = reward.score(Span<const ScoredText>(texts.data() + first, count));
    if (scored.size() != count) {
      throw Error(concat("the reward ", reward.name(), " gave ", scored.size(), " values for ", count, " texts"));
    }
    return scored;
  });
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
    throw Error("the reward " + reward.name() + " gave a value that is not finite");
  }
  return {values.begin(), values.end()};
}

RewardCheck check_reward(const Communicator& world, const Reward& reward, const std::vector<GoodTranslation>& good,
                         const std::vector<std::string>& references, const RewardCheckLimits& limits,
                         std::uint64_t seed) {
  if (good.empty()) throw Error("there are no translations to check the reward " + reward.name() + " with");
  const auto text = [&](std::size_t i, const std::string& candidate) {
    return ScoredText{good[i].source, candidate, references.empty() ? nullptr : &references[i]};
  };
  std::vector<ScoredText> texts;
  for (std::size_t i = 0; i < good.size(); ++i) texts.push_back(text(i, good[i].text));
  const std::vector<double> clean = score_on_all(world, reward, texts);

  RewardCheck check;
  check.texts = static_cast<std::int64_t>(good.size());
  check.good = bootstrap_mean(clean, resamples, seed);
  for (const Perturbation kind : all_perturbations()) {
    stop_point(world);
    const Spoiled spoiled = spoil(kind, good, seed);
    std::vector<ScoredText> changed;
    std::vector<double> before;
    for (std::size_t i = 0; i < spoiled.texts.size(); ++i) {
      changed.push_back(text(spoiled.places[i], spoiled.texts[i]));
      before.push_back(clean[spoiled.places[i]]);
    }
    check.effects.push_back(
        effect_of(kind, training_of(reward, kind), before, score_on_all(world, reward, changed), seed));
  }
  check.failures = failures_of(check.effects, limits);
  return check;
}

std::string to_text(const RewardCheck& check) {
  std::string text =
      concat(check.texts, " good translations, mean reward ", to_text(check.good, 4), "; 95 % intervals\n");
  text += row("spoiled by", "texts", "reward falls", "rises", "mean fall");
  for (const Training training : {Training::none, Training::seen, Training::unseen}) {
    std::string rows;
    for (const PerturbationEffect& effect : check.effects) {
      if (effect.training == training) rows += row_of(effect);
    }
    if (!rows.empty() && training == Training::seen) text += "  that it was trained to notice:\n";
    if (!rows.empty() && training == Training::unseen) text += "  that it never saw in training:\n";
    text += rows;
  }
  for (const std::string& failure : check.failures) text += "  FAILED: " + failure + "\n";
  return text;
}

nlohmann::json to_json(const RewardCheck& check) {
  nlohmann::json effects = nlohmann::json::object();
  for (const PerturbationEffect& effect : check.effects) {
    nlohmann::json& one = effects[to_string(effect.kind)] = {{"texts", effect.texts}};
    if (effect.training != Training::none) one["trained"] = effect.training == Training::seen;
    if (effect.texts == 0) continue;
    one["fell"] = interval_json(effect.fell);
    one["rose"] = interval_json(effect.rose);
    one["fall"] = interval_json(effect.fall);
  }
  return {{"texts", check.texts},
          {"good", interval_json(check.good)},
          {"perturbations", effects},
          {"failures", check.failures}};
}

}  // namespace rest
