#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "rest/reward/calibration.hpp"
#include "rest/reward/learned.hpp"
#include "rest/reward/rated_dataset.hpp"

namespace rest {

/// The paper's thresholds (section 4), for tables.
constexpr double paper_thresholds[] = {0.0, 0.7, 0.8, 0.9, 0.95, 0.99};

/// The best of the held-out translations, and what every way to spoil makes of them.
struct SpoiledValidation {
  RatedDataset good, spoiled;
  SpoiledValidation(const Ratings& valid, const Tokenizer& tokenizer, std::uint64_t seed);
};

/// How a learned reward does on ratings that were held out.
struct LearnedFigures {
  std::size_t translations = 0;
  double pearson = 0.0, spearman = 0.0;
  double pairs = 0.0, pairwise = 0.0;  ///< of one source, rated 0.1 apart or more: how many, share in the right order
  std::vector<double> above_by_rating, above_by_quantile;  ///< shares above paper_thresholds
  std::optional<double> spread_auroc;  ///< how well the spread tells spoiled from good ones; with several members
};
LearnedFigures figures_of(const RatedDataset& valid, const std::vector<double>& predicted);
std::vector<double> shares_above(const std::vector<double>& predicted, const Calibration& calibration);
/// The chance that a spoiled translation has a larger spread than a good one (ties: half).
double auroc_of_spread(const std::vector<Opinion>& spoiled, const std::vector<Opinion>& good);

std::string to_text(const std::string& name, const LearnedFigures& figures);
nlohmann::json to_json(const LearnedFigures& figures);

}  // namespace rest
