#include "rest/reward/rated_dataset.hpp"

#include <algorithm>
#include <map>

#include "rest/core/error.hpp"
#include "rest/core/philox.hpp"

namespace rest {
namespace {

/// Of a text, whatever the machine.
std::uint64_t part_of(const std::string& source, std::int64_t parts) {
  std::uint64_t hash = 14695981039346656037ull;  // FNV-1a
  for (const char c : source) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return mix64(hash) % static_cast<std::uint64_t>(parts);
}

void append(Ratings& to, const Ratings& from, std::size_t i, double score) {
  to.source.push_back(from.source[i]);
  to.translation.push_back(from.translation[i]);
  to.score.push_back(score);
}

/// A set's scores to [0, 1], by those that are seen in training.
class Normaliser {
 public:
  Normaliser(const std::string& how, std::vector<double> seen, const std::string& file)
      : how_(how), seen_(std::move(seen)) {
    std::sort(seen_.begin(), seen_.end());
    if (how_ == "none" && !(seen_.front() >= 0.0 && seen_.back() <= 1.0)) {
      throw Error(concat("scores of ", file, " reach from ", seen_.front(), " to ", seen_.back()),
                  "rewards lie in [0, 1]", "set reward_model.normalise to range or rank");
    }
    if (at(0.01) == at(0.99)) {
      throw Error("nearly all scores of " + file + " are the same", concat(at(0.01)),
                  "rank cannot be learned from them");
    }
  }

  double operator()(double score) const {
    double value = score;
    if (how_ == "range") value = (score - at(0.01)) / (at(0.99) - at(0.01));
    if (how_ == "rank") {
      const auto [low, high] = std::equal_range(seen_.begin(), seen_.end(), score);
      value =
          0.5 * static_cast<double>((low - seen_.begin()) + (high - seen_.begin())) / static_cast<double>(seen_.size());
    }
    return std::clamp(value, 0.0, 1.0);
  }

 private:
  double at(double share) const {
    return seen_[static_cast<std::size_t>(share * static_cast<double>(seen_.size() - 1) + 0.5)];
  }

  std::string how_;
  std::vector<double> seen_;
};

}  // namespace

std::vector<Token> RatedDataset::pieces(const std::string& text) const {
  auto tokens = tokenizer_.encode(text);
  if (tokens.size() > longest) tokens.resize(longest);
  return tokens;
}

void RatedDataset::add(const std::string& source, const std::string& translation, double rating, double weight) {
  const auto [found, is_new] = known_.try_emplace(source, sources_.size());
  if (is_new) {
    sources_.push_back(pieces(source));
    if (sources_.back().empty()) sources_.back().push_back(Tokenizer::unknown);  // of characters that are no text
  }
  rows_.push_back({found->second, pieces(translation), static_cast<float>(rating), static_cast<float>(weight)});
}

Example RatedDataset::get(std::size_t i) const {
  const Row& row = rows_[i];
  return {sources_[row.source], row.target, row.weight, i, row.rating};
}

std::vector<double> RatedDataset::ratings() const {
  std::vector<double> all;
  for (const Row& row : rows_) all.push_back(static_cast<double>(row.rating));
  return all;
}

std::vector<std::size_t> RatedDataset::sources() const {
  std::vector<std::size_t> all;
  for (const Row& row : rows_) all.push_back(row.source);
  return all;
}

RatedSplit read_rated_split(const RewardModelOptions& options) {
  if (options.ratings.empty()) {
    throw UsageError("reward_model.ratings names no file", "there is nothing to learn from",
                     "give rated translations, or make some by rest_reward label");
  }
  RatedSplit split;
  for (const std::string& file : options.ratings) {
    const Ratings all = read_ratings(file);
    std::vector<bool> held_out(all.size());
    std::vector<double> seen;
    for (std::size_t i = 0; i < all.size(); ++i) {
      held_out[i] = part_of(all.source[i], options.folds) == static_cast<std::uint64_t>(options.fold);
      if (!held_out[i]) seen.push_back(all.score[i]);
    }
    if (seen.empty() || seen.size() == all.size()) {
      throw Error(
          concat(file, " is too small: ", all.size(), " ratings, of which ", all.size() - seen.size(), " are held out"),
          "", "give more ratings, or set reward_model.folds and fold");
    }
    const Normaliser normalise(options.normalise, std::move(seen), file);
    for (std::size_t i = 0; i < all.size(); ++i) {
      append(held_out[i] ? split.valid : split.train, all, i, normalise(all.score[i]));
    }
  }
  const auto [low, high] = std::minmax_element(split.valid.score.begin(), split.valid.score.end());
  if (*low == *high) {
    throw Error(concat("the ", split.valid.size(), " held-out ratings are all the same"), "nothing can be told by them",
                "give more ratings, or set reward_model.folds and fold");
  }
  return split;
}

BestTranslations best_translations(const Ratings& ratings) {
  std::vector<double> sorted = ratings.score;
  std::sort(sorted.begin(), sorted.end());
  const double median = sorted.empty() ? 0.0 : sorted[sorted.size() / 2];
  std::unordered_map<std::string, std::size_t> best;
  for (std::size_t i = 0; i < ratings.size(); ++i) {
    const auto [found, is_new] = best.try_emplace(ratings.source[i], i);
    if (!is_new && ratings.score[i] > ratings.score[found->second]) found->second = i;
  }
  BestTranslations result;
  for (std::size_t i = 0; i < ratings.size(); ++i) {  // in the order of the file
    if (best.at(ratings.source[i]) != i || ratings.score[i] < median) continue;
    result.good.push_back({ratings.source[i], ratings.translation[i]});
    result.rating.push_back(ratings.score[i]);
  }
  return result;
}

double what_is_left(Perturbation kind) {
  switch (kind) {
    case Perturbation::numbers:
    case Perturbation::drop_words:
    case Perturbation::truncate:
      return 0.6;
    case Perturbation::repeat_phrase:
      return 0.5;
    case Perturbation::repeat:
    case Perturbation::half_source:
      return 0.4;
    case Perturbation::shuffle_words:
      return 0.2;
    case Perturbation::copy_source:
    case Perturbation::wrong_source:
    case Perturbation::empty:
      return 0.0;
  }
  throw Error("no such perturbation");
}

std::vector<Perturbation> perturbations_named(const std::vector<std::string>& names) {
  std::vector<Perturbation> kinds;
  for (const std::string& name : names) {
    std::string known;
    const std::size_t before = kinds.size();
    for (const Perturbation kind : all_perturbations()) {
      known += (known.empty() ? "" : ", ") + to_string(kind);
      if (to_string(kind) == name) kinds.push_back(kind);
    }
    if (kinds.size() == before) {
      throw UsageError("reward_model.augment names \"" + name + "\", which is no way to spoil a translation", "",
                       "known are: " + known);
    }
  }
  return kinds;
}

void add_spoiled(RatedDataset& dataset, const Ratings& ratings, const std::vector<Perturbation>& kinds, double share,
                 std::uint64_t seed) {
  const BestTranslations best = best_translations(ratings);
  struct Spoiled {
    Perturbation kind;
    std::size_t place;
    std::string text;
    double rating;
  };
  std::vector<Spoiled> all;
  for (std::size_t i = 0; i < best.good.size(); ++i) {
    for (const Perturbation kind : kinds) {
      if (auto text = perturbed(kind, best.good, i, seed)) {
        all.push_back({kind, i, std::move(*text), best.rating[i] * what_is_left(kind)});
      }
    }
  }
  if (all.empty() || share <= 0.0) return;
  // Kinds that apply to few texts, such as numbers, count as much as the others, but no text more than ten ratings.
  constexpr double most = 10.0;
  std::map<Perturbation, double> texts;
  for (const Spoiled& one : all) ++texts[one.kind];
  const double of_kind =
      share / (1.0 - share) * static_cast<double>(ratings.size()) / static_cast<double>(texts.size());
  for (const Spoiled& one : all) {
    dataset.add(best.good[one.place].source, one.text, one.rating, std::min(most, of_kind / texts[one.kind]));
  }
}

}  // namespace rest
