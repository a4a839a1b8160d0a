#include "learned_figures.hpp"

#include <algorithm>
#include <map>

#include "rest/core/correlation.hpp"
#include "rest/core/error.hpp"

namespace rest {
namespace {

constexpr double apart = 0.1;  // ratings of a pair, in [0, 1]

std::string percents(const std::vector<double>& shares) {
  std::string text;
  for (const double share : shares) text += " " + with_digits(100.0 * share, 1);
  return text;
}

}  // namespace

SpoiledValidation::SpoiledValidation(const Ratings& valid, const Tokenizer& tokenizer, std::uint64_t seed)
    : good(tokenizer), spoiled(tokenizer) {
  const BestTranslations best = best_translations(valid);
  for (std::size_t i = 0; i < best.good.size(); ++i) {
    good.add(best.good[i].source, best.good[i].text, best.rating[i]);
    for (const Perturbation kind : all_perturbations()) {
      if (const auto text = perturbed(kind, best.good, i, seed)) spoiled.add(best.good[i].source, *text, 0.0);
    }
  }
}

LearnedFigures figures_of(const RatedDataset& valid, const std::vector<double>& predicted) {
  LearnedFigures figures;
  const std::vector<double> rated = valid.ratings();
  figures.translations = rated.size();
  figures.pearson = pearson(rated, predicted);
  figures.spearman = spearman(rated, predicted);
  std::map<std::size_t, std::pair<std::vector<double>, std::vector<double>>> by_source;
  const std::vector<std::size_t> sources = valid.sources();
  for (std::size_t i = 0; i < rated.size(); ++i) {
    by_source[sources[i]].first.push_back(rated[i]);
    by_source[sources[i]].second.push_back(predicted[i]);
  }
  PairCount count;
  for (const auto& [source, columns] : by_source) count += count_ordered_pairs(columns.first, columns.second, apart);
  figures.pairs = count.pairs;
  if (count.pairs > 0.0) figures.pairwise = count.agreeing / count.pairs;
  return figures;
}

std::vector<double> shares_above(const std::vector<double>& predicted, const Calibration& calibration) {
  std::vector<double> shares;
  for (const double threshold : paper_thresholds) {
    const auto above =
        std::count_if(predicted.begin(), predicted.end(), [&](double value) { return calibration(value) > threshold; });
    shares.push_back(static_cast<double>(above) / static_cast<double>(predicted.size()));
  }
  return shares;
}

double auroc_of_spread(const std::vector<Opinion>& spoiled, const std::vector<Opinion>& good) {
  std::vector<double> sorted;
  for (const Opinion& opinion : good) sorted.push_back(opinion.spread);
  std::sort(sorted.begin(), sorted.end());
  double wins = 0.0;
  for (const Opinion& opinion : spoiled) {
    const auto [low, high] = std::equal_range(sorted.begin(), sorted.end(), opinion.spread);
    wins += 0.5 * static_cast<double>((low - sorted.begin()) + (high - sorted.begin()));
  }
  return wins / static_cast<double>(spoiled.size() * good.size());
}

std::string to_text(const std::string& name, const LearnedFigures& figures) {
  std::string text = concat("reward ", name, " on ", figures.translations, " held-out ratings: Pearson ",
                            with_digits(figures.pearson, 4), ", Spearman ", with_digits(figures.spearman, 4));
  if (figures.pairs > 0.0) {
    text += concat("; of ", figures.pairs, " pairs of one source rated ", apart, " apart, ",
                   with_digits(100.0 * figures.pairwise, 1), " % in the right order");
  }
  if (figures.spread_auroc) text += "; spread tells spoiled from good, AUROC " + with_digits(*figures.spread_auroc, 3);
  text += "; above 0, 0.7, 0.8, 0.9, 0.95, 0.99 are (%)" + percents(figures.above_by_rating) +
          " calibrated by rating," + percents(figures.above_by_quantile) + " by quantile";
  return text;
}

nlohmann::json to_json(const LearnedFigures& figures) {
  nlohmann::json json = {{"translations", figures.translations},
                         {"pearson", figures.pearson},
                         {"spearman", figures.spearman},
                         {"pairs", figures.pairs},
                         {"apart", apart},
                         {"thresholds", paper_thresholds},
                         {"above_by_rating", figures.above_by_rating},
                         {"above_by_quantile", figures.above_by_quantile}};
  if (figures.pairs > 0.0) json["pairwise_accuracy"] = figures.pairwise;
  if (figures.spread_auroc) json["spread_auroc"] = *figures.spread_auroc;
  return json;
}

}  // namespace rest
