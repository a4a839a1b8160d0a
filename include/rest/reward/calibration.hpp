#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "rest/core/span.hpp"

namespace rest {

/// A strictly rising map from predictions to rewards in [0, 1], linear between knots, which reach from prediction 0
/// to 1.
class Calibration {
 public:
  /// What a rating is on average where it is predicted so: the mean ratings of up to 20 bins of equal size, pooled
  /// until they rise (isotonic regression; Ayer et al. 1955). Throws Error when predictions are empty or all equal.
  static Calibration by_rating(Span<const double> predictions, Span<const double> ratings);
  /// The share of the predictions that are lower: half of `predictions` get 0.5 or more. Throws Error as above.
  static Calibration by_quantile(Span<const double> predictions);

  double operator()(double prediction) const;

  nlohmann::json to_json() const;
  /// Throws Error when it is none.
  static Calibration from_json(const nlohmann::json& json);

 private:
  Calibration(std::vector<double> from, std::vector<double> to);

  std::vector<double> from_, to_;  // of the knots, both rising
};

}  // namespace rest
