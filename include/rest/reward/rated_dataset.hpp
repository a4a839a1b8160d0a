#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "rest/core/experiment.hpp"
#include "rest/reward/perturbation.hpp"
#include "rest/reward/ratings.hpp"
#include "rest/select/dataset.hpp"
#include "rest/text/tokenizer.hpp"

namespace rest {

/// Pieces of rated texts. Translations of one source share its pieces.
class RatedDataset : public Dataset {
 public:
  /// Longer texts are cut.
  static constexpr std::size_t longest = 256;

  /// `tokenizer` must outlive it.
  explicit RatedDataset(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  void add(const std::string& source, const std::string& translation, double rating, double weight = 1.0);

  std::size_t size() const override { return rows_.size(); }
  Example get(std::size_t i) const override;
  std::vector<double> ratings() const;
  /// The number of the source of each, in order of first appearance.
  std::vector<std::size_t> sources() const;

 private:
  struct Row {
    std::size_t source;
    std::vector<Token> target;
    float rating, weight;
  };
  std::vector<Token> pieces(const std::string& text) const;

  const Tokenizer& tokenizer_;
  std::unordered_map<std::string, std::size_t> known_;
  std::vector<std::vector<Token>> sources_;
  std::vector<Row> rows_;
};

/// Rated translations in two parts, no source in both, with ratings in [0, 1].
struct RatedSplit {
  Ratings train, valid;
};

/// Reads the files of `options.ratings` and normalises each file's scores by what its training part shows. Throws
/// UsageError when there are none, Error as read_ratings does, or when a part is empty, or when scores are outside
/// [0, 1] and are not to be normalised.
RatedSplit read_rated_split(const RewardModelOptions& options);

/// Each source's best translation, if it is rated as high as the median, and its rating.
struct BestTranslations {
  std::vector<GoodTranslation> good;
  std::vector<double> rating;
};
BestTranslations best_translations(const Ratings& ratings);

/// What is left of a translation's rating when it has been spoiled, as a factor.
double what_is_left(Perturbation kind);

/// Throws UsageError listing the kinds.
std::vector<Perturbation> perturbations_named(const std::vector<std::string>& names);

/// Adds the spoiled forms of the best translations of `ratings`, with a total weight of `share` of the whole, to which
/// all kinds contribute alike (less where a text would weigh more than ten ratings).
void add_spoiled(RatedDataset& dataset, const Ratings& ratings, const std::vector<Perturbation>& kinds, double share,
                 std::uint64_t seed);

}  // namespace rest
