#include "rest/reward/calibration.hpp"

#include <algorithm>
#include <numeric>

#include "rest/core/error.hpp"

namespace rest {
namespace {

/// Values of some neighbours in prediction, as sums.
struct Bin {
  double prediction = 0.0, rating = 0.0, count = 0.0;

  double mean_rating() const { return rating / count; }
  void add(const Bin& other) {
    prediction += other.prediction;
    rating += other.rating;
    count += other.count;
  }
};

std::vector<std::size_t> by_prediction(Span<const double> predictions) {
  std::vector<std::size_t> order(predictions.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return predictions[a] < predictions[b]; });
  if (order.empty() || predictions[order.front()] == predictions[order.back()]) {
    throw Error("the learned reward cannot be calibrated", "it predicts the same for all translations",
                "train it longer, at another learning rate, or on more ratings");
  }
  return order;
}

}  // namespace

/// Knots that do not rise strictly in both are left out; 0 and 1 are added at the ends.
Calibration::Calibration(std::vector<double> from, std::vector<double> to) : from_{0.0}, to_{0.0} {
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] <= from_.back() || to[i] <= to_.back() || from[i] >= 1.0 || to[i] >= 1.0) continue;
    from_.push_back(from[i]);
    to_.push_back(to[i]);
  }
  from_.push_back(1.0);
  to_.push_back(1.0);
}

Calibration Calibration::by_rating(Span<const double> predictions, Span<const double> ratings) {
  constexpr std::size_t most_bins = 20;
  const auto order = by_prediction(predictions);
  const std::size_t wanted = std::min(most_bins, order.size());
  std::vector<Bin> bins;
  for (std::size_t b = 0; b < wanted; ++b) {
    Bin bin;
    for (std::size_t i = order.size() * b / wanted; i < order.size() * (b + 1) / wanted; ++i) {
      bin.add({predictions[order[i]], ratings[order[i]], 1.0});
    }
    bins.push_back(bin);
    while (bins.size() > 1 && bins[bins.size() - 2].mean_rating() >= bins.back().mean_rating()) {
      bins[bins.size() - 2].add(bins.back());
      bins.pop_back();
    }
  }
  std::vector<double> from, to;
  for (const Bin& bin : bins) {
    from.push_back(bin.prediction / bin.count);
    to.push_back(bin.mean_rating());
  }
  return {from, to};
}

Calibration Calibration::by_quantile(Span<const double> predictions) {
  constexpr std::size_t knots = 200;
  const auto order = by_prediction(predictions);
  const auto last = static_cast<double>(order.size() - 1);
  std::vector<double> from, to;
  for (std::size_t k = 1; k < knots; ++k) {
    const double share = static_cast<double>(k) / static_cast<double>(knots);
    from.push_back(predictions[order[static_cast<std::size_t>(share * last + 0.5)]]);
    to.push_back(share);
  }
  return {from, to};
}

double Calibration::operator()(double prediction) const {
  if (prediction <= 0.0) return 0.0;
  if (prediction >= 1.0) return 1.0;
  const auto above = static_cast<std::size_t>(std::upper_bound(from_.begin(), from_.end(), prediction) - from_.begin());
  const double share = (prediction - from_[above - 1]) / (from_[above] - from_[above - 1]);
  return to_[above - 1] + share * (to_[above] - to_[above - 1]);
}

nlohmann::json Calibration::to_json() const { return {{"from", from_}, {"to", to_}}; }

Calibration Calibration::from_json(const nlohmann::json& json) {
  try {
    return {json.at("from").get<std::vector<double>>(), json.at("to").get<std::vector<double>>()};
  } catch (const nlohmann::json::exception& e) {
    throw Error("a calibration is not usable", e.what());
  }
}

}  // namespace rest
