#include "rest/eval/reward_correlation.hpp"

#include <algorithm>
#include <unordered_map>

#include "rest/core/correlation.hpp"
#include "rest/core/error.hpp"
#include "rest/eval/reward_check.hpp"
#include "text_scores.hpp"

namespace rest {
namespace {

/// Places of the translations of each source, in order of first appearance.
std::vector<std::vector<std::size_t>> by_source(const std::vector<std::string>& sources) {
  std::vector<std::vector<std::size_t>> groups;
  std::unordered_map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto [found, is_new] = known.try_emplace(sources[i], groups.size());
    if (is_new) groups.emplace_back();
    groups[found->second].push_back(i);
  }
  return groups;
}

struct Columns {
  std::vector<double> score, reward;

  void add(const std::vector<std::size_t>& places, const Columns& from) {
    for (const std::size_t i : places) {
      score.push_back(from.score[i]);
      reward.push_back(from.reward[i]);
    }
  }
};

}  // namespace

RewardCorrelation correlate_reward(const Ratings& ratings, const std::vector<double>& rewards, double apart,
                                   std::int64_t resamples, std::uint64_t seed) {
  const auto [low, high] = std::minmax_element(rewards.begin(), rewards.end());
  if (rewards.empty() || *low == *high) throw Error("the reward is the same for all translations");
  const Columns all{ratings.score, rewards};
  const auto groups = by_source(ratings.source);
  using Statistic = double (*)(Span<const double>, Span<const double>);
  const auto of_chosen = [&](Statistic statistic) {
    return bootstrap_interval(groups.size(), resamples, seed, [&](Span<const std::size_t> chosen) {
      Columns columns;
      for (const std::size_t group : chosen) columns.add(groups[group], all);
      return statistic(columns.score, columns.reward);
    });
  };
  RewardCorrelation result;
  result.translations = static_cast<std::int64_t>(ratings.size());
  result.sources = static_cast<std::int64_t>(groups.size());
  result.pearson = of_chosen(pearson);
  result.spearman = of_chosen(spearman);
  result.kendall = of_chosen(kendall_tau_b);

  result.apart = apart;
  std::vector<PairCount> counts;
  PairCount total;
  for (const auto& group : groups) {
    Columns columns;
    columns.add(group, all);
    counts.push_back(count_ordered_pairs(columns.score, columns.reward, apart));
    total += counts.back();
  }
  result.pairs = static_cast<std::int64_t>(total.pairs);
  if (result.pairs == 0) return result;
  result.pairwise = bootstrap_interval(groups.size(), resamples, seed, [&](Span<const std::size_t> chosen) {
    PairCount sum;
    for (const std::size_t group : chosen) sum += counts[group];
    return sum.pairs > 0.0 ? sum.agreeing / sum.pairs : 0.5;
  });
  return result;
}

std::vector<double> rewards_of(const Communicator& world, const Reward& reward, const Ratings& ratings) {
  if (reward.needs_reference() && ratings.reference.empty()) {
    throw Error("the reward " + reward.name() + " needs references", "the ratings have none",
                "give them as a fourth column, or take another reward");
  }
  std::vector<ScoredText> texts;
  for (std::size_t i = 0; i < ratings.size(); ++i) {
    texts.push_back(
        {ratings.source[i], ratings.translation[i], ratings.reference.empty() ? nullptr : &ratings.reference[i]});
  }
  return score_on_all(world, reward, texts);
}

std::string to_text(const RewardCorrelation& correlation) {
  std::string text = concat(correlation.translations, " rated translations of ", correlation.sources,
                            " sources; 95 % intervals by a bootstrap over sources\n");
  const auto line = [&](const std::string& name, const Interval& figure) {
    text += "  " + name + std::string(name.size() < 22 ? 22 - name.size() : 1, ' ') + to_text(figure, 4) + "\n";
  };
  line("Pearson", correlation.pearson);
  line("Spearman", correlation.spearman);
  line("Kendall tau-b", correlation.kendall);
  if (correlation.pairs == 0) {
    text += concat("  pairwise accuracy     none: no two translations of one source are rated ", correlation.apart,
                   " apart or more\n");
  } else {
    line("pairwise accuracy", correlation.pairwise);
    text += concat("    of ", correlation.pairs, " pairs of one source rated differently, by ", correlation.apart,
                   " at least\n");
  }
  return text;
}

nlohmann::json to_json(const RewardCorrelation& correlation) {
  nlohmann::json result = {{"translations", correlation.translations},
                           {"sources", correlation.sources},
                           {"pearson", interval_json(correlation.pearson)},
                           {"spearman", interval_json(correlation.spearman)},
                           {"kendall_tau_b", interval_json(correlation.kendall)},
                           {"pairs", correlation.pairs},
                           {"apart", correlation.apart}};
  if (correlation.pairs > 0) result["pairwise_accuracy"] = interval_json(correlation.pairwise);
  return result;
}

}  // namespace rest
